import { Type } from 'class-transformer';
import {
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsObject,
  IsOptional,
  IsString,
  IsUUID,
  Matches,
  MaxLength,
  Min,
  ValidateNested,
} from 'class-validator';
import { PageOf, PageQuery } from './page.js';
import { Erasable, IsId, IsNested, IsSwitch, IsTimeOfDay, IsTimestamp, Nullable } from './validators.js';

export const NOTIFICATION_TYPES = [
  'booking_request',
  'booking_confirmed',
  'booking_cancelled',
  'friend_request',
  'friend_accepted',
  'post_liked',
  'post_commented',
  'post_reposted',
  'mention',
  'review_received',
  'auto_booking_proposal',
] as const;
export type NotificationKind = (typeof NOTIFICATION_TYPES)[number];

/** What a booking's notifications carry: ids for the screen to open, facts for the text. */
interface BookingFacts {
  booking_id: string;
  service_id: string;
  service_name: string;
  master_id: string;
  client_id: string;
  starts_at: string;
  /** The master's: the text names the hour by the clock on their wall. */
  timezone: string;
}

/** `data` of each type (contract, "Notifications"). Who caused it is told apart, as `actorId`. */
export interface NotificationData {
  booking_request: BookingFacts;
  booking_confirmed: BookingFacts & {
    /** A reminder of the visit, or a client's word against a no-show; else the confirmation itself. */
    outcome?: 'reminder' | 'disputed';
    reminder?: '24h' | '2h';
  };
  booking_cancelled: BookingFacts & {
    /** What ended it; the request of an expired one was never answered, and unavailable is a banned side. */
    outcome: 'cancelled' | 'declined' | 'expired' | 'unavailable' | 'no_show';
    reason: string | null;
  };
  friend_request: { request_id: string; user_id: string };
  friend_accepted: { request_id: string; user_id: string };
  post_liked: { post_id: string; user_id: string };
  post_commented: { post_id: string; comment_id: string; user_id: string };
  post_reposted: { post_id: string; repost_id: string; user_id: string };
  mention: {
    post_id: string;
    comment_id: string | null;
    user_id: string;
    /** An admin's post to everybody: it has a text of its own. */
    announcement?: true;
  };
  review_received: { review_id: string; booking_id: string; user_id: string; rating: number };
  auto_booking_proposal: {
    service_id: string;
    service_name: string;
    master_id: string;
    starts_at: string;
    timezone: string;
  };
}

/** Something that happened, of which people are to be told: one of the 11 types with its data. */
export type NotificationCause = {
  [T in NotificationKind]: {
    type: T;
    /** Names what happened, for ever: the same key is never told twice to the same user. */
    key: string;
    /** Who did it: never told of it themselves, nor is anybody with a block between them. */
    actorId: string | null;
    /** The author of the post that it is under, when that is somebody third: neither is told of across a block. */
    ownerId?: string;
    data: NotificationData[T];
    /** Told instead to those who do not want this type. */
    fallback?: { type: 'mention'; data: NotificationData['mention'] };
  };
}[NotificationKind];

/** A notification as its recipient sees it, its texts in their language. */
export class NotificationDto {
  @IsId() id!: string;
  @IsIn(NOTIFICATION_TYPES) type!: NotificationKind;
  @IsString() title!: string;
  @IsString() body!: string;
  @IsObject() data!: object;
  @IsTimestamp() created_at!: string;
  @IsBoolean() is_read!: boolean;
  /** When it was last added to ("Anna and 12 others"), else when it was made. */
  @IsTimestamp() updated_at!: string;
  @Nullable() @IsTimestamp() read_at!: string | null;
}

export class NotificationPage extends PageOf(NotificationDto) {}

export class NotificationQuery extends PageQuery {
  @IsSwitch() is_read?: boolean;
  @IsOptional() @IsIn(NOTIFICATION_TYPES) type?: NotificationKind;
}

export class NotificationReadPayload {
  @IsId() notification_id!: string;
}

/** The acknowledgement, the REST answer, and the event to the user's other devices. */
export class NotificationReadAck {
  @IsId() notification_id!: string;
  @IsIn([true]) is_read!: true;
  @IsTimestamp() read_at!: string;
}

export class NotificationCount {
  @IsInt() @Min(0) unread_count!: number;
}

/** Nothing of it holds any more. `unread_count` is that of all others. */
export class NotificationRemovedEvent extends NotificationCount {
  @IsId() notification_id!: string;
}

/** In `GET sync`. */
export class SyncNotifications extends NotificationCount {
  /** Those that are new or changed since the cursor, newest first; without one, the newest. */
  @IsArray() @ValidateNested({ each: true }) @Type(() => NotificationDto) items!: NotificationDto[];
  /** Those that were removed since the cursor, if any, at most 200: with 200, load the list anew. */
  @IsOptional() @IsArray() @IsUUID('all', { each: true }) removed?: string[];
}

/** Which of the 11 types a user wants to be told of. */
export class NotificationTypes implements Record<NotificationKind, boolean> {
  @IsBoolean() booking_request!: boolean;
  @IsBoolean() booking_confirmed!: boolean;
  @IsBoolean() booking_cancelled!: boolean;
  @IsBoolean() friend_request!: boolean;
  @IsBoolean() friend_accepted!: boolean;
  @IsBoolean() post_liked!: boolean;
  @IsBoolean() post_commented!: boolean;
  @IsBoolean() post_reposted!: boolean;
  @IsBoolean() mention!: boolean;
  @IsBoolean() review_received!: boolean;
  @IsBoolean() auto_booking_proposal!: boolean;
}

export class SomeNotificationTypes implements Partial<Record<NotificationKind, boolean>> {
  @IsOptional() @IsBoolean() booking_request?: boolean;
  @IsOptional() @IsBoolean() booking_confirmed?: boolean;
  @IsOptional() @IsBoolean() booking_cancelled?: boolean;
  @IsOptional() @IsBoolean() friend_request?: boolean;
  @IsOptional() @IsBoolean() friend_accepted?: boolean;
  @IsOptional() @IsBoolean() post_liked?: boolean;
  @IsOptional() @IsBoolean() post_commented?: boolean;
  @IsOptional() @IsBoolean() post_reposted?: boolean;
  @IsOptional() @IsBoolean() mention?: boolean;
  @IsOptional() @IsBoolean() review_received?: boolean;
  @IsOptional() @IsBoolean() auto_booking_proposal?: boolean;
}

/** By the user's own clock; from 22:00 to 08:00 is the night. */
export class QuietHours {
  @IsTimeOfDay('23:59') from!: string;
  @IsTimeOfDay('23:59') to!: string;
  /** An IANA name, such as Europe/Moscow. */
  @Matches(/^[A-Za-z][\w+-]*(\/[\w+-]+)*$/, { message: '$property must be a time zone' })
  @MaxLength(64)
  timezone!: string;
}

export class NotificationPreferencesDto {
  @IsNested(() => NotificationTypes) types!: NotificationTypes;
  @Nullable() @IsNested(() => QuietHours) quiet_hours!: QuietHours | null;
}

/** What is not named stays as it is. */
export class NotificationPreferencesBody {
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => SomeNotificationTypes)
  types?: SomeNotificationTypes;
  /** Null: none. */
  @Erasable() @IsObject() @ValidateNested() @Type(() => QuietHours) quiet_hours?: QuietHours | null;
}
