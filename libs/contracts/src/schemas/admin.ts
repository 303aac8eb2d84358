import { IsArray, IsIn, IsInt, IsObject, IsOptional, IsString, Min } from 'class-validator';
import { ROLES, UserDto } from './identity.js';
import { BOOKING_STATUSES } from './marketplace.js';
import { PageOf, PageQuery } from '../page.js';
import { PersonDto } from './social.js';
import { IsId, IsNested, IsText, IsTimestamp, IsVisible, Nullable } from '../validation/validators.js';

/** A user as shown to admins. */
export class AccountDto extends UserDto {
  @IsString() email!: string;
  @IsIn(ROLES) role!: (typeof ROLES)[number];
  @Nullable() @IsTimestamp() banned_at!: string | null;
  @IsTimestamp() created_at!: string;
}

export class AccountPage extends PageOf(AccountDto) {}

export class AccountQuery extends PageQuery {
  /** Part of a name, a handle or an e-mail address. */
  @IsOptional() @IsText(0, 254) query?: string;
}

export class BanBody {
  /** Shown to the other admins, not to the user. */
  @IsOptional() @IsText(0, 1000) @IsVisible({ orBlank: true }) reason?: string;
}

export class RoleBody {
  @IsIn(ROLES) role!: (typeof ROLES)[number];
}

export const AUDIT_ACTIONS = [
  'user_banned',
  'user_unbanned',
  'role_changed',
  'sessions_revoked',
  'report_resolved',
  'announcement_made',
  'post_deleted',
  'job_retried',
] as const;

/** An action of an admin. */
export class AuditEntryDto {
  @IsId() id!: string;
  @IsNested(() => PersonDto) admin!: PersonDto;
  @IsIn(AUDIT_ACTIONS) action!: (typeof AUDIT_ACTIONS)[number];
  /** The id of a user, report, post or job, depending on the action. */
  @IsString() target_id!: string;
  /** Further facts, such as `reason`, or `from` and `to`. */
  @IsObject() details!: Record<string, unknown>;
  @IsTimestamp() created_at!: string;
}

export class AuditPage extends PageOf(AuditEntryDto) {}

export const REPORT_KINDS = ['user', 'post', 'comment', 'message', 'service'] as const;
export const REPORT_STATUSES = ['open', 'resolved'] as const;
/** Limit of open reports per user. */
export const MAX_OPEN_REPORTS = 100;

export class ReportBody {
  @IsIn(REPORT_KINDS) kind!: (typeof REPORT_KINDS)[number];
  @IsId() target_id!: string;
  @IsText(1, 1000) reason!: string;
}

/** A report as shown to its author. */
export class ReportDto {
  @IsId() id!: string;
  @IsIn(REPORT_KINDS) kind!: (typeof REPORT_KINDS)[number];
  @IsId() target_id!: string;
  @IsString() reason!: string;
  @IsIn(REPORT_STATUSES) status!: (typeof REPORT_STATUSES)[number];
  @IsTimestamp() created_at!: string;
}

/** A report as shown to admins. */
export class ReportCaseDto extends ReportDto {
  @IsNested(() => PersonDto) reporter!: PersonDto;
  /** The reported user, or the author of the reported content. */
  @IsNested(() => PersonDto) against!: PersonDto;
  /** The reported text as it was then; null when a user is reported. */
  @Nullable() @IsString() content!: string | null;
  @Nullable() @IsNested(() => PersonDto) resolved_by!: PersonDto | null;
  @Nullable() @IsTimestamp() resolved_at!: string | null;
  @Nullable() @IsString() resolution!: string | null;
}

export class ReportPage extends PageOf(ReportCaseDto) {}

export class ReportQuery extends PageQuery {
  @IsOptional() @IsIn(REPORT_STATUSES) status?: (typeof REPORT_STATUSES)[number];
}

export class ResolveBody {
  @IsText(1, 1000) resolution!: string;
}

export class UserStats {
  @IsInt() @Min(0) all!: number;
  @IsInt() @Min(0) online!: number;
  /** Since midnight UTC. */
  @IsInt() @Min(0) new_today!: number;
  @IsInt() @Min(0) banned!: number;
}

export class BookingStats implements Record<(typeof BOOKING_STATUSES)[number], number> {
  @IsInt() @Min(0) requested!: number;
  @IsInt() @Min(0) confirmed!: number;
  @IsInt() @Min(0) completed!: number;
  @IsInt() @Min(0) declined!: number;
  @IsInt() @Min(0) cancelled!: number;
  @IsInt() @Min(0) expired!: number;
}

/** Counts of the whole system: exact up to 10,000, estimated by the database above. */
export class StatsDto {
  @IsNested(() => UserStats) users!: UserStats;
  @IsInt() @Min(0) chats!: number;
  @IsInt() @Min(0) messages!: number;
  @IsInt() @Min(0) posts!: number;
  @IsNested(() => BookingStats) bookings!: BookingStats;
  @IsInt() @Min(0) open_reports!: number;
  /** The estimated fields, such as `messages` or `bookings.completed`. */
  @IsArray() @IsString({ each: true }) estimated!: string[];
}
