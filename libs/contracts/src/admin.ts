import { IsArray, IsIn, IsInt, IsObject, IsOptional, IsString, Min } from 'class-validator';
import { ROLES, UserDto } from './identity.js';
import { BOOKING_STATUSES } from './marketplace.js';
import { PageOf, PageQuery } from './page.js';
import { PersonDto } from './social.js';
import { IsId, IsNested, IsText, IsTimestamp, IsVisible, Nullable } from './validators.js';

/** A user as admins see them. */
export class AccountDto extends UserDto {
  @IsString() email!: string;
  @IsIn(ROLES) role!: (typeof ROLES)[number];
  @Nullable() @IsTimestamp() banned_at!: string | null;
  @IsTimestamp() created_at!: string;
}

export class AccountPage extends PageOf(AccountDto) {}

export class AccountQuery extends PageQuery {
  /** Part of a name, of a handle or of an e-mail address. */
  @IsOptional() @IsText(0, 254) query?: string;
}

export class BanBody {
  /** For the other admins: the user is not told. */
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

/** That an admin did something to somebody or something. */
export class AuditEntryDto {
  @IsId() id!: string;
  @IsNested(() => PersonDto) admin!: PersonDto;
  @IsIn(AUDIT_ACTIONS) action!: (typeof AUDIT_ACTIONS)[number];
  /** A user's id, a report's, a post's or a job's, as the action says. */
  @IsString() target_id!: string;
  /** What else there is to know, such as `reason`, or `from` and `to`. */
  @IsObject() details!: Record<string, unknown>;
  @IsTimestamp() created_at!: string;
}

export class AuditPage extends PageOf(AuditEntryDto) {}

export const REPORT_KINDS = ['user', 'post', 'comment', 'message', 'service'] as const;
export const REPORT_STATUSES = ['open', 'resolved'] as const;
/** The most that one user may have open. */
export const MAX_OPEN_REPORTS = 100;

export class ReportBody {
  @IsIn(REPORT_KINDS) kind!: (typeof REPORT_KINDS)[number];
  @IsId() target_id!: string;
  @IsText(1, 1000) reason!: string;
}

/** A report as who made it sees it. */
export class ReportDto {
  @IsId() id!: string;
  @IsIn(REPORT_KINDS) kind!: (typeof REPORT_KINDS)[number];
  @IsId() target_id!: string;
  @IsString() reason!: string;
  @IsIn(REPORT_STATUSES) status!: (typeof REPORT_STATUSES)[number];
  @IsTimestamp() created_at!: string;
}

/** A report as admins see it. */
export class ReportCaseDto extends ReportDto {
  @IsNested(() => PersonDto) reporter!: PersonDto;
  /** Who is reported, or whose it is. */
  @IsNested(() => PersonDto) against!: PersonDto;
  /** What was reported, in the words of that moment; null of a user. */
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

/** How much there is of everything: exact up to 10,000, beyond that as the database estimates it. */
export class StatsDto {
  @IsNested(() => UserStats) users!: UserStats;
  @IsInt() @Min(0) chats!: number;
  @IsInt() @Min(0) messages!: number;
  @IsInt() @Min(0) posts!: number;
  @IsNested(() => BookingStats) bookings!: BookingStats;
  @IsInt() @Min(0) open_reports!: number;
  /** Those of the numbers that are estimates, such as `messages` or `bookings.completed`. */
  @IsArray() @IsString({ each: true }) estimated!: string[];
}
