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
import { DEFAULT_PAGE, IsPageLimit, PageOf, PageQuery } from '../page.js';
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
} from '../validation/validators.js';

export const CHAT_TYPES = ['direct', 'group'] as const;
export const MEMBER_ROLES = ['owner', 'admin', 'member'] as const;

/** Limit of members of a group. It bounds all work that is done per member. */
export const MAX_MEMBERS = 1024;
/** Above this many members, receipts are counted instead of published one by one. */
export const MAX_RECEIPT_MEMBERS = 32;
/** A chat list shows at most this many participants per chat; `member_count` has the total. */
export const PARTICIPANTS_SHOWN = 50;

export class ParticipantDto extends UserDto {
  @IsIn(MEMBER_ROLES) role!: (typeof MEMBER_ROLES)[number];
  @IsInt() last_read_seq!: number;
  @IsInt() last_delivered_seq!: number;
}

/** A chat as shown to one of its members. */
export class ChatDto {
  @IsId() id!: string;
  @IsIn(CHAT_TYPES) type!: (typeof CHAT_TYPES)[number];
  @Nullable() @IsString() title!: string | null;
  @Nullable() @IsString() avatar!: string | null;
  @IsArray() @ValidateNested({ each: true }) @Type(() => ParticipantDto) participants!: ParticipantDto[];
  @IsInt() member_count!: number;
  /** False when no message can be sent: in a direct chat across a block, or with a banned user. */
  @IsBoolean() is_open!: boolean;
  @Nullable() @IsNested(() => MessageDto) last_message!: MessageDto | null;
  @IsInt() last_seq!: number;
  @IsInt() change_seq!: number;
  @IsInt() last_read_seq!: number;
  @IsInt() @Min(0) unread_count!: number;
  /** This member's devices make no sound for this chat until then; null = not muted. */
  @Nullable() @IsTimestamp() muted_until!: string | null;
  /** This member has hidden the chat from their list. */
  @IsBoolean() archived!: boolean;
  @IsTimestamp() created_at!: string;
  /** Time of the newest message, or of the chat's creation. */
  @IsTimestamp() updated_at!: string;
}

export class ChatPage extends PageOf(ChatDto) {}
export class ParticipantPage extends PageOf(ParticipantDto) {}

export class CreateChatBody {
  @IsIn(CHAT_TYPES) type!: (typeof CHAT_TYPES)[number];
  /** The other members; the creator is always a member. */
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
  /** `owner` transfers the group: the previous owner becomes an admin. */
  @IsIn(MEMBER_ROLES) role!: (typeof MEMBER_ROLES)[number];
}

export class ChatsQuery extends PageQuery {
  /** List the archived chats instead of the active ones. */
  @IsSwitch() archived: boolean = false;
}

export class MuteBody {
  /** Null or absent: muted until unmuted. */
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

/** Sent to the devices of a member who left a group or was removed. */
export class ChatRemovedEvent {
  @IsId() chat_id!: string;
  /** The member themselves, or the owner or admin who removed them. */
  @IsId() removed_by!: string;
  /** The last message that the former member can read. */
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

/** Payload of `chat:message:read` and `chat:message:delivered` from a client. */
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

/** Sent to the sender: one event per recipient in chats of up to 32 members, a count in larger chats. */
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

/** Sent to the reader's own devices. */
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
  @IsPageLimit() limit: number = DEFAULT_PAGE;
}

/** The read cursors of one member. In a page of changes, either `message` or `marks` is null. */
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
