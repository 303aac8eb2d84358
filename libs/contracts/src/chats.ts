import { Type } from 'class-transformer';
import {
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsOptional,
  IsString,
  Max,
  Min,
  ValidateNested,
} from 'class-validator';
import { UserDto } from './identity.js';
import { MessageDto } from './messages.js';
import { PageOf, PageQuery } from './page.js';
import {
  Erasable,
  FromQuery,
  IsHttpUrl,
  IsInstant,
  IsId,
  IsIdList,
  IsName,
  IsNested,
  IsSwitch,
  IsTimestamp,
  Nullable,
} from './validators.js';

export const CHAT_TYPES = ['direct', 'group'] as const;
export const MEMBER_ROLES = ['owner', 'admin', 'member'] as const;

/** The most people in one group: everything that is done per member is bounded by it. */
export const MAX_MEMBERS = 1024;
/** In larger chats receipts are counted instead of pushed one by one (contract, "Chat events"). */
export const MAX_RECEIPT_MEMBERS = 32;
/** A chat in a list names this many participants at most; `member_count` tells how many there are. */
export const PARTICIPANTS_SHOWN = 50;

export class ParticipantDto extends UserDto {
  @IsIn(MEMBER_ROLES) role!: (typeof MEMBER_ROLES)[number];
  @IsInt() last_read_seq!: number;
  @IsInt() last_delivered_seq!: number;
}

/** A chat as one of its members sees it. */
export class ChatDto {
  @IsId() id!: string;
  @IsIn(CHAT_TYPES) type!: (typeof CHAT_TYPES)[number];
  @Nullable() @IsString() title!: string | null;
  @Nullable() @IsString() avatar!: string | null;
  @IsArray() @ValidateNested({ each: true }) @Type(() => ParticipantDto) participants!: ParticipantDto[];
  @IsInt() member_count!: number;
  /** Whether anything can be said in it: not in a direct chat across a block, or with a banned user. */
  @IsBoolean() is_open!: boolean;
  @Nullable() @IsNested(() => MessageDto) last_message!: MessageDto | null;
  @IsInt() last_seq!: number;
  @IsInt() change_seq!: number;
  @IsInt() last_read_seq!: number;
  @IsInt() @Min(0) unread_count!: number;
  /** Until when this member's devices stay quiet about it; null = they do not. */
  @Nullable() @IsTimestamp() muted_until!: string | null;
  /** This member keeps it out of their list. */
  @IsBoolean() archived!: boolean;
  @IsTimestamp() created_at!: string;
  /** Time of the newest message, or of the chat's creation. */
  @IsTimestamp() updated_at!: string;
}

export class ChatPage extends PageOf(ChatDto) {}
export class ParticipantPage extends PageOf(ParticipantDto) {}

export class CreateChatBody {
  @IsIn(CHAT_TYPES) type!: (typeof CHAT_TYPES)[number];
  /** The others; the creator is always in. */
  @IsIdList(1, MAX_MEMBERS - 1) participant_ids!: string[];
  @IsOptional() @IsName(100) title?: string;
}

export class UpdateChatBody {
  @IsOptional() @IsName(100) title?: string;
  @Erasable() @IsHttpUrl() avatar?: string | null;
}

export class AddMembersBody {
  @IsIdList(1, 200) user_ids!: string[];
}

export class MemberRoleBody {
  /** `owner` hands the group over: the one who was it becomes an admin. */
  @IsIn(MEMBER_ROLES) role!: (typeof MEMBER_ROLES)[number];
}

export class ChatsQuery extends PageQuery {
  /** The archived chats instead of the others. */
  @IsSwitch() archived: boolean = false;
}

export class MuteBody {
  /** Null or absent: until it is unmuted. */
  @IsOptional() @IsInstant() until?: string | null;
}

export class MutePayload extends MuteBody {
  @IsId() chat_id!: string;
  @IsBoolean() muted!: boolean;
}

export class ArchivePayload {
  @IsId() chat_id!: string;
  @IsBoolean() archived!: boolean;
}

/** To the devices of somebody who left a group or was removed from it. */
export class ChatRemovedEvent {
  @IsId() chat_id!: string;
  /** Who did it: oneself, or somebody who runs the group. */
  @IsId() removed_by!: string;
  /** The last message that stays readable. */
  @IsInt() last_seq!: number;
}

export class ChatIdPayload {
  @IsId() chat_id!: string;
}

export class ChatGetPayload {
  @IsId() recipient_id!: string;
}

export class ChatAck {
  @IsIn(['ok']) status!: 'ok';
  @IsNested(() => ChatDto) chat!: ChatDto;
}

export class JoinAck {
  @IsIn(['joined']) status!: 'joined';
  @IsId() chat_id!: string;
  @IsInt() last_seq!: number;
  @IsInt() unread_count!: number;
}

export class LeaveAck {
  @IsIn(['left']) status!: 'left';
  @IsId() chat_id!: string;
}

export class TypingPayload {
  @IsId() chat_id!: string;
  @IsBoolean() is_typing!: boolean;
}

export class TypingEvent extends TypingPayload {
  @IsId() user_id!: string;
  @IsString() user_name!: string;
}

/** `chat:message:read` and `chat:message:delivered` from a client. */
export class ReceiptPayload {
  @IsId() message_id!: string;
  @IsId() chat_id!: string;
}

export class ReadBody {
  @IsId() message_id!: string;
}

export class ReadAck {
  @IsIn(['ok']) status!: 'ok';
  @IsTimestamp() read_at!: string;
  @IsInt() @Min(0) unread_count!: number;
}

/** To the sender: one per recipient in chats of up to 32, a count in larger ones. */
export class DeliveredEvent {
  @IsId() message_id!: string;
  @IsId() chat_id!: string;
  @IsOptional() @IsId() delivered_to?: string;
  @IsOptional() @IsInt() delivered_count?: number;
  @IsTimestamp() delivered_at!: string;
}

export class ReadEvent {
  @IsId() message_id!: string;
  @IsId() chat_id!: string;
  @IsOptional() @IsId() read_by?: string;
  @IsOptional() @IsInt() read_count?: number;
  @IsTimestamp() read_at!: string;
}

/** To the reader's own devices. */
export class ChatReadEvent {
  @IsId() chat_id!: string;
  @IsInt() last_read_seq!: number;
  @IsInt() @Min(0) unread_count!: number;
}

export class ReceiptDto {
  @IsId() user_id!: string;
  @IsString() name!: string;
  @IsIn(['sent', 'delivered', 'read']) status!: 'sent' | 'delivered' | 'read';
}

export class ReceiptPage extends PageOf(ReceiptDto) {}

export class ChangesQuery {
  @FromQuery() @IsInt() @Min(0) @Max(2147483647) after_change_seq: number = 0;
  @FromQuery() @IsInt() @Min(1) @Max(200) limit: number = 50;
}

/** How far one member has come; `message` is null. Or a changed message; then `marks` is null. */
export class MarksDto {
  @IsId() user_id!: string;
  @IsInt() last_read_seq!: number;
  @IsInt() last_delivered_seq!: number;
}

export class ChangeDto {
  @IsInt() change_seq!: number;
  @IsIn(['message', 'marks']) kind!: 'message' | 'marks';
  @Nullable() @IsNested(() => MessageDto) message!: MessageDto | null;
  @Nullable() @IsNested(() => MarksDto) marks!: MarksDto | null;
}

/** `next_cursor` is the next `after_change_seq`. */
export class ChangePage extends PageOf(ChangeDto) {}
