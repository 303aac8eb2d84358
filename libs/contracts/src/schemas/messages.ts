import { Type } from 'class-transformer';
import {
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsObject,
  IsOptional,
  IsString,
  Max,
  MaxLength,
  Min,
  MinLength,
  ValidateNested,
} from 'class-validator';
import { DEFAULT_PAGE, IsPageLimit, PageOf, PageQuery } from '../page.js';
import {
  FromQuery,
  IsCursor,
  IsId,
  IsIdList,
  IsMessageContent,
  IsNested,
  IsText,
  IsTimestamp,
  Nullable,
} from '../validation/validators.js';

export const MESSAGE_TYPES = [
  'text',
  'photo',
  'video',
  'voice',
  'location',
  'profile_share',
  'post_share',
  'booking_proposal',
] as const;
export type MessageKind = (typeof MESSAGE_TYPES)[number];

export const MESSAGE_STATUSES = ['sent', 'delivered', 'read'] as const;
export type MessageStatus = (typeof MESSAGE_STATUSES)[number];

/** A longer text is refused with MESSAGE_TOO_LARGE. */
export const MAX_CONTENT = 4000;

/** The fields of a message that is sent: of `chat:message:send` without its chat, and of the REST endpoint. */
export class SendMessageBody {
  @IsIn(MESSAGE_TYPES) type!: MessageKind;
  @IsMessageContent(MAX_CONTENT) content!: string;
  @IsOptional() @IsObject() metadata?: Record<string, unknown>;
  /** Makes the send idempotent for ever: the same sender, chat and client_id return the same message. */
  @IsOptional() @IsString() @MinLength(1) @MaxLength(64) client_id?: string;
  @IsOptional() @IsId() reply_to?: string;
}

export class SendMessagePayload extends SendMessageBody {
  @IsId() chat_id!: string;
}

export class SendMessageAck {
  @IsIn(['sent']) status!: 'sent';
  @IsId() message_id!: string;
  @IsTimestamp() created_at!: string;
  @IsInt() @Min(1) seq!: number;
  @IsOptional() @IsString() client_id?: string;
}

export class ReactionDto {
  @IsString() emoji!: string;
  @IsInt() @Min(1) count!: number;
  /** The first 50 users with this reaction. */
  @IsArray() @IsString({ each: true }) user_ids!: string[];
}

/** The original author and time. The original chat is not shown. */
export class ForwardedFromDto {
  @IsId() message_id!: string;
  @IsId() sender_id!: string;
  @IsString() sender_name!: string;
  @IsTimestamp() created_at!: string;
}

/** A message as clients receive it: the fields of older clients and those added since. */
export class MessageDto {
  @IsId() id!: string;
  @IsId() chat_id!: string;
  @IsId() sender_id!: string;
  @IsString() sender_name!: string;
  @Nullable() @IsString() sender_avatar!: string | null;
  @IsIn(MESSAGE_TYPES) type!: MessageKind;
  @IsString() content!: string;
  @IsObject() metadata!: Record<string, unknown>;
  @IsTimestamp() created_at!: string;
  @IsIn(MESSAGE_STATUSES) status!: MessageStatus;
  /** 1, 2, 3, … in its chat, without gaps. */
  @IsInt() @Min(1) seq!: number;
  /** The chat's change number at the last edit, deletion, reaction or pin; 0 = never changed. */
  @IsInt() @Min(0) change_seq!: number;
  /** Only in the events to the sender's own devices. */
  @IsOptional() @IsString() client_id?: string;
  @Nullable() @IsId() reply_to!: string | null;
  @Nullable()
  @IsNested(() => ForwardedFromDto)
  forwarded_from!: ForwardedFromDto | null;
  @Nullable() @IsTimestamp() edited_at!: string | null;
  @Nullable() @IsTimestamp() pinned_at!: string | null;
  /** A deleted message keeps its `seq` and loses its content. */
  @Nullable() @IsTimestamp() deleted_at!: string | null;
  @IsArray() @ValidateNested({ each: true }) @Type(() => ReactionDto) reactions!: ReactionDto[];
}

export class MessagePage extends PageOf(MessageDto) {}

export class HistoryQuery {
  @IsPageLimit() limit: number = DEFAULT_PAGE;
  /** Only messages before this one. Without a bound, the newest page is returned. */
  @FromQuery() @IsInt() @Min(1) @Max(2147483647) before_seq?: number;
  @FromQuery() @IsInt() @Min(0) @Max(2147483647) after_seq?: number;
}

export class SearchQuery extends PageQuery {
  @IsText(1, 100) query!: string;
}

export class EditMessagePayload {
  @IsId() message_id!: string;
  @IsMessageContent(MAX_CONTENT) content!: string;
}

export class EditMessageBody {
  @IsMessageContent(MAX_CONTENT) content!: string;
}

export class MessageAck {
  @IsIn(['ok']) status!: 'ok';
  @IsNested(() => MessageDto) message!: MessageDto;
}

export class MessageIdPayload {
  @IsId() message_id!: string;
}

export class ReactBody {
  @IsText(1, 16) emoji!: string;
  @IsBoolean() on!: boolean;
}

export class ReactPayload extends ReactBody {
  @IsId() message_id!: string;
}

/** Limits of messages in one forward, and of pinned messages in a chat. */
export const MAX_FORWARDED = 50;
export const MAX_PINS = 100;

export class ForwardBody {
  /** In the order in which they will appear. */
  @IsIdList(1, MAX_FORWARDED) message_ids!: string[];
  /** A text of the forwarding user, sent before the messages. */
  @IsOptional() @IsMessageContent(MAX_CONTENT) comment?: string;
  /** As in a send: repeating it returns the messages that were forwarded first. */
  @IsOptional() @IsString() @MinLength(1) @MaxLength(64) client_id?: string;
}

export class ForwardPayload extends ForwardBody {
  @IsId() to_chat_id!: string;
}

/** The new messages of a forward, in the order of the originals. */
export class MessageItems {
  @IsArray() @ValidateNested({ each: true }) @Type(() => MessageDto) items!: MessageDto[];
}

export class MessagesAck extends MessageItems {
  @IsIn(['ok']) status!: 'ok';
}

/** Pins have no `limit`: a chat has 100 at most. A page ends early only when it would exceed 1 MB. */
export class PinsQuery {
  @IsCursor() cursor?: string;
}

export class PinsPayload extends PinsQuery {
  @IsId() chat_id!: string;
}

export class PinsAck extends MessagePage {
  @IsIn(['ok']) status!: 'ok';
}
