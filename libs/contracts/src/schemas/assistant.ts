import { Type, type ClassConstructor } from 'class-transformer';
import {
  IsArray,
  IsIn,
  IsInt,
  IsObject,
  IsOptional,
  IsString,
  Max,
  MaxLength,
  Min,
  ValidateNested,
} from 'class-validator';
import type { ErrorReason } from '../errors.js';
import { IsPageLimit, MAX_PAGE, PageOf } from '../page.js';
import {
  FromQuery,
  IsId,
  IsMessageContent,
  IsTimestamp,
  IsVisible,
  Nullable,
} from '../validation/validators.js';

/** Limit of characters of a question. */
export const MAX_QUESTION = 16_000;
export const ASSISTANT_STATUSES = [
  'streaming',
  'complete',
  'stopped',
  'failed',
  'interrupted',
  'apology',
] as const;
type Role = 'user' | 'assistant';
type Status = (typeof ASSISTANT_STATUSES)[number];

/** The last token of an answer that a device received; −1 = none. */
export class ResumeFrom {
  @IsId() messageId!: string;
  @IsInt() @Min(-1) @Max(2147483647) index!: number;
}

export class JoinAssistantFrame {
  @IsString() @MaxLength(8192) token!: string;
  @IsOptional() @IsId() chatId?: string;
  @IsOptional() @IsObject() @ValidateNested() @Type(() => ResumeFrom) resume?: ResumeFrom;
}

export class QuestionFrame {
  @IsMessageContent(MAX_QUESTION)
  @IsVisible()
  message!: string;
}

export class EmptyFrame {}

/** Client → server on `/ws/chat` (docs/protocol.md): the `data` of each `type`. */
export const ASSISTANT_FRAMES = {
  join_chat: JoinAssistantFrame,
  create_chat: EmptyFrame,
  message: QuestionFrame,
  stop: EmptyFrame,
  regenerate: EmptyFrame,
} as const satisfies Record<string, ClassConstructor<object>>;

/** A message with the field names that older assistant clients expect. */
export interface AssistantHistoryItem {
  _id: string;
  messageId: string;
  content: string;
  role: Role;
  status: Status;
  timestamp: string;
  createdAt: string;
}

/** Server → client on `/ws/chat`: the `data` of each `type`. */
export interface AssistantEvents {
  connected: { message: string };
  /** `nextCursor` is a cursor of `GET assistant/chats/:id`, which returns the earlier messages. */
  chat_joined: {
    chatId: string;
    messages: AssistantHistoryItem[];
    title: string;
    nextCursor: string | null;
  };
  chat_created: { chatId: string; title: string };
  user_message: { messageId: string; content: string; role: 'user'; timestamp: string };
  assistant_message_start: { message: string; messageId: string };
  /** `index` counts an answer's tokens from 0. */
  assistant_message_token: { token: string; messageId: string; index: number };
  assistant_message_complete: {
    messageId: string;
    content: string;
    role: 'assistant';
    timestamp: string;
    status: Status;
    title: string;
  };
  error: { message: string; code?: string; reason?: ErrorReason; messageId?: string; retryAfterMs?: number };
}

export type AssistantEvent = {
  [T in keyof AssistantEvents]: { type: T; data: AssistantEvents[T] };
}[keyof AssistantEvents];

export class AssistantChatDto {
  @IsId() id!: string;
  @IsString() title!: string;
  @IsTimestamp() created_at!: string;
  @IsTimestamp() updated_at!: string;
}

export class AssistantChatPage extends PageOf(AssistantChatDto) {}

export class AssistantMessageDto {
  @IsId() id!: string;
  @IsIn(['user', 'assistant']) role!: Role;
  @IsString() content!: string;
  @IsIn(ASSISTANT_STATUSES) status!: Status;
  @IsTimestamp() created_at!: string;
}

export class AssistantHistoryQuery {
  @IsPageLimit() limit: number = MAX_PAGE;
  /** `next_cursor` of the previous page. */
  @FromQuery() @IsInt() @Min(1) @Max(2147483647) cursor?: number;
}

/** A chat with its newest messages, oldest first; `next_cursor` leads to the earlier ones. */
export class AssistantChatWithMessages extends AssistantChatDto {
  @IsArray()
  @ValidateNested({ each: true })
  @Type(() => AssistantMessageDto)
  messages!: AssistantMessageDto[];
  @Nullable() @IsString() next_cursor!: string | null;
}
