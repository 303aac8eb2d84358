import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsNumber,
  IsObject,
  IsOptional,
  IsString,
  Matches,
  Max,
  Min,
  ValidateNested,
} from 'class-validator';
import { PageOf, PageQuery } from '../page.js';
import {
  Erasable,
  IsDate,
  IsId,
  IsInstant,
  IsName,
  IsNested,
  IsText,
  IsTimeOfDay,
  IsTimestamp,
  IsTimezone,
  Nullable,
} from '../validation/validators.js';

export const MAX_PRICE = 1_000_000_000;
/** Limits of a service's duration, minutes. */
export const DURATION = { min: 5, max: 1440 };
export const MAX_WINDOWS = 50;
export const MAX_DAYS_OFF = 366;
/** The minimum time between a request and the start of its slot, minutes. */
export const MIN_NOTICE = { default: 60, max: 7 * 1440 };
/** A client's limits over all masters: open requests, and requests within 24 hours. Lower on an account's first day. */
export const BOOKING_LIMITS = { open: 20, daily: 40, newcomer: { open: 10, daily: 20 } };
/** Limit of days that one search for free slots covers. */
export const MAX_SLOT_DAYS = 62;

/** A master or a client, as shown in bookings and reviews. */
export class PartyDto {
  @IsId() id!: string;
  @IsString() name!: string;
  @Nullable() @IsString() avatar!: string | null;
}

export class MasterDto extends PartyDto {
  /** The average of their reviews, one decimal; null without reviews. */
  @Nullable() @IsNumber() rating!: number | null;
  @IsInt() @Min(0) reviews_count!: number;
}

export class ServiceDto {
  @IsId() id!: string;
  @IsString() name!: string;
  @Nullable() @IsString() description!: string | null;
  /** In the smallest unit of the currency that clients show. */
  @IsInt() @Min(0) price!: number;
  /** In minutes. */
  @IsInt() duration!: number;
  @IsNested(() => MasterDto) master!: MasterDto;
  @IsTimestamp() created_at!: string;
}

export class ServicePage extends PageOf(ServiceDto) {}

export class ServiceQuery extends PageQuery {
  @IsOptional() @IsText(1, 100) query?: string;
  @IsOptional() @IsId() master_id?: string;
}

export class CreateServiceBody {
  @IsName(100) name!: string;
  @IsOptional() @IsText(1, 2000) description?: string;
  @IsInt() @Min(0) @Max(MAX_PRICE) price!: number;
  @IsInt() @Min(DURATION.min) @Max(DURATION.max) duration!: number;
}

export class UpdateServiceBody {
  @IsOptional() @IsName(100) name?: string;
  @Erasable() @IsText(1, 2000) description?: string | null;
  @IsOptional() @IsInt() @Min(0) @Max(MAX_PRICE) price?: number;
  @IsOptional() @IsInt() @Min(DURATION.min) @Max(DURATION.max) duration?: number;
}

/** In the master's time zone. */
export class WindowDto {
  /** 0 = Sunday. */
  @IsInt() @Min(0) @Max(6) weekday!: number;
  @IsTimeOfDay('24:00') from!: string;
  /** Both "24:00" and "00:00" are the end of the day. */
  @IsTimeOfDay('24:00') to!: string;
}

export class AvailabilityDto {
  @IsTimezone() timezone!: string;
  @IsArray()
  @ArrayMaxSize(MAX_WINDOWS)
  @IsObject({ each: true })
  @ValidateNested({ each: true })
  @Type(() => WindowDto)
  weekly!: WindowDto[];
  @IsOptional() @IsArray() @ArrayMaxSize(MAX_DAYS_OFF) @IsDate({ each: true }) days_off: string[] = [];
  /** The minimum time between a request and the start of its slot. */
  @IsOptional() @IsInt() @Min(0) @Max(MIN_NOTICE.max) min_notice_minutes?: number;
}

export class SlotQuery extends PageQuery {
  @IsInstant() from!: string;
  @IsInstant() to!: string;
}

export class SlotDto {
  @IsTimestamp() starts_at!: string;
  @IsTimestamp() ends_at!: string;
}

export class SlotPage extends PageOf(SlotDto) {}

export const BOOKING_STATUSES = [
  'requested',
  'confirmed',
  'completed',
  'declined',
  'cancelled',
  'expired',
] as const;
export type BookingState = (typeof BOOKING_STATUSES)[number];

export class CreateBookingBody {
  @IsId() service_id!: string;
  @IsInstant() starts_at!: string;
  @IsOptional() @IsText(1, 1000) note?: string;
  /** The price that the client saw. CONFLICT when the service has another price now. */
  @IsOptional() @IsInt() price?: number;
  @IsOptional() @IsInt() duration?: number;
}

export class ReasonBody {
  @IsOptional() @IsText(1, 1000) reason?: string;
}

export class ReviewBody {
  @IsInt() @Min(1) @Max(5) rating!: number;
  @IsOptional() @IsText(1, 4000) text?: string;
}

export class ReviewDto {
  @IsId() id!: string;
  @IsId() booking_id!: string;
  @IsNested(() => PartyDto) author!: PartyDto;
  @IsInt() rating!: number;
  @Nullable() @IsString() text!: string | null;
  @IsTimestamp() created_at!: string;
}

export class ReviewPage extends PageOf(ReviewDto) {
  /** The average of all reviews, one decimal; null without reviews. */
  @Nullable() @IsNumber() average!: number | null;
  @IsInt() @Min(0) count!: number;
}

/** A booking as shown to both parties. */
export class BookingDto {
  @IsId() id!: string;
  @IsId() service_id!: string;
  /** Name and price at the time of the booking. */
  @IsString() service_name!: string;
  @IsInt() price!: number;
  @IsNested(() => PartyDto) master!: PartyDto;
  @IsNested(() => PartyDto) client!: PartyDto;
  @IsTimestamp() starts_at!: string;
  @IsTimestamp() ends_at!: string;
  @IsIn(BOOKING_STATUSES) status!: BookingState;
  @Nullable() @IsString() note!: string | null;
  /** The reason given when it was declined or cancelled. */
  @Nullable() @IsString() reason!: string | null;
  /** Cancelled because the client did not come, according to the master. */
  @IsBoolean() no_show!: boolean;
  /** The client disputes the no-show: the visit counts as completed. */
  @IsBoolean() disputed!: boolean;
  @Nullable() @IsNested(() => ReviewDto) review!: ReviewDto | null;
  @IsTimestamp() created_at!: string;
  @IsTimestamp() updated_at!: string;
}

/** Sent to both parties, on each transition and as a reminder. */
export class BookingUpdatedEvent extends BookingDto {
  @IsOptional() @Matches(/^(24h|2h)$/) reminder?: '24h' | '2h';
}

export class BookingPage extends PageOf(BookingDto) {}

export class BookingQuery extends PageQuery {
  @IsOptional() @IsIn(['client', 'master']) role?: 'client' | 'master';
  @IsOptional() @IsIn(BOOKING_STATUSES) status?: BookingState;
}

/** Body of accepting a proposal in a chat. */
export class AcceptProposalBody {
  @IsInstant() starts_at!: string;
}
