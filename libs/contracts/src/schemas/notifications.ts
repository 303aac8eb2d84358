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
  Min,
  ValidateNested,
} from 'class-validator';
import { PageOf, PageQuery } from '../page.js';
import {
  Erasable,
  IsId,
  IsNested,
  IsSwitch,
  IsTimeOfDay,
  IsTimestamp,
  IsTimezone,
  Nullable,
} from '../validation/validators.js';

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

/** Data of a booking's notifications: ids for the screen to open, facts for the text. */
interface BookingFacts {
  booking_id: string;
  service_id: string;
  service_name: string;
  master_id: string;
  client_id: string;
  starts_at: string;
  /** The master's time zone: the text shows the hour in it. */
  timezone: string;
}

/** `data` of each type. The actor is stored separately, as `actorId`. */
export interface NotificationData {
  booking_request: BookingFacts;
  booking_confirmed: BookingFacts & {
    /** A reminder of the visit, or a no-show that the client disputes; absent for the confirmation itself. */
    outcome?: 'reminder' | 'disputed';
    reminder?: '24h' | '2h';
  };
  booking_cancelled: BookingFacts & {
    /** The reason it ended. `expired`: the request was never answered. `unavailable`: a party was banned. */
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
    /** An admin's post to all users. It has its own text. */
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

/** An event to notify people of: its type with the data of that type. */
export type NotificationCause = {
  [T in NotificationKind]: {
    type: T;
    /** Identifies the event for ever: no user is notified of the same key twice. */
    key: string;
    /** The user who caused it. They are not notified themselves, nor are users blocked either way. */
    actorId: string | null;
    /** The author of the post, when it is a third person. Users blocked either way with the author are not notified. */
    ownerId?: string;
    data: NotificationData[T];
    /** Used for recipients who disabled this type. */
    fallback?: { type: 'mention'; data: NotificationData['mention'] };
  };
}[NotificationKind];

/** A notification as shown to its recipient, in their language. */
export class NotificationDto {
  @IsId() id!: string;
  @IsIn(NOTIFICATION_TYPES) type!: NotificationKind;
  @IsString() title!: string;
  @IsString() body!: string;
  @IsObject() data!: object;
  @IsTimestamp() created_at!: string;
  @IsBoolean() is_read!: boolean;
  /** When the latest cause was added ("Anna and 12 others"), otherwise the time of creation. */
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

/** The acknowledgement, the REST answer and the event to the user's other devices. */
export class NotificationReadAck {
  @IsId() notification_id!: string;
  @IsIn([true]) is_read!: true;
  @IsTimestamp() read_at!: string;
}

export class NotificationCount {
  @IsInt() @Min(0) unread_count!: number;
}

/** None of its causes is valid any more. `unread_count` counts all other notifications. */
export class NotificationRemovedEvent extends NotificationCount {
  @IsId() notification_id!: string;
}

/** In `GET sync`. */
export class SyncNotifications extends NotificationCount {
  /** Notifications that are new or changed since the cursor, newest first. Without a cursor, the newest. */
  @IsArray() @ValidateNested({ each: true }) @Type(() => NotificationDto) items!: NotificationDto[];
  /** Notifications removed since the cursor, at most 200. When there are 200, reload the list. */
  @IsOptional() @IsArray() @IsUUID('all', { each: true }) removed?: string[];
}

/** The types a user wants to receive. */
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

/** In the user's time zone. From 22:00 to 08:00 spans midnight. */
export class QuietHours {
  @IsTimeOfDay('23:59') from!: string;
  @IsTimeOfDay('23:59') to!: string;
  @IsTimezone() timezone!: string;
}

export class NotificationPreferencesDto {
  @IsNested(() => NotificationTypes) types!: NotificationTypes;
  @Nullable() @IsNested(() => QuietHours) quiet_hours!: QuietHours | null;
}

/** Absent fields stay unchanged. */
export class NotificationPreferencesBody {
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => SomeNotificationTypes)
  types?: SomeNotificationTypes;
  /** Null: no quiet hours. */
  @Erasable() @IsObject() @ValidateNested() @Type(() => QuietHours) quiet_hours?: QuietHours | null;
}
