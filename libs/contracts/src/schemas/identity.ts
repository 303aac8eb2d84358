import { Transform } from 'class-transformer';
import {
  IsBoolean,
  IsEmail,
  IsIn,
  IsOptional,
  IsString,
  Matches,
  MaxLength,
  MinLength,
} from 'class-validator';
import { canonicalEmail, newEmail } from '../validation/email.js';
import { PageOf, PageQuery } from '../page.js';
import {
  Erasable,
  IsHttpUrl,
  IsId,
  IsName,
  IsNested,
  IsSwitch,
  IsText,
  IsTimestamp,
  Nullable,
} from '../validation/validators.js';

const as =
  (form: (typed: string) => string) =>
  ({ value }: { value: unknown }) =>
    typeof value === 'string' ? form(value) : value;

export const LOCALES = ['ru', 'en'] as const;
/** The people whom a user allows an action. */
export const AUDIENCES = ['everyone', 'friends', 'nobody'] as const;
export const ROLES = ['user', 'admin'] as const;

export class RegisterBody {
  @Transform(as(newEmail)) @IsEmail() @MaxLength(254) email!: string;
  @IsString() @MinLength(8) @MaxLength(128) password!: string;
  @IsName(100) name!: string;
  @IsOptional() @IsHttpUrl() avatar?: string;
  /** Shown in the session list, such as "Pixel 9". */
  @IsOptional() @IsName(100) device?: string;
}

export class LoginBody {
  @Transform(as(canonicalEmail)) @IsString() @MinLength(1) @MaxLength(254) email!: string;
  @IsString() @MinLength(1) @MaxLength(128) password!: string;
  @IsOptional() @IsName(100) device?: string;
}

export class RefreshBody {
  @IsString() @MinLength(1) @MaxLength(512) refresh_token!: string;
}

/** A user's public profile. */
export class UserDto {
  @IsId() id!: string;
  @IsString() name!: string;
  @IsString() handle!: string;
  @Nullable() @IsString() avatar!: string | null;
  @IsBoolean() is_master!: boolean;
  @IsBoolean() online!: boolean;
  @Nullable() @IsTimestamp() last_seen!: string | null;
}

/** A user's name, handle or picture changed. */
export class UserUpdatedEvent {
  @IsId() user_id!: string;
  @IsString() name!: string;
  @IsString() handle!: string;
  @Nullable() @IsString() avatar!: string | null;
}

/** The signed-in user's own profile. */
export class MeDto extends UserDto {
  @IsString() email!: string;
  @IsIn(ROLES) role!: (typeof ROLES)[number];
  @IsIn(LOCALES) locale!: (typeof LOCALES)[number];
  /** People who may start a direct chat with this user. */
  @IsIn(AUDIENCES) messages_from!: (typeof AUDIENCES)[number];
  /** People who may add this user to a group. */
  @IsIn(AUDIENCES) groups_from!: (typeof AUDIENCES)[number];
}

export class AuthAnswer {
  @IsNested(() => MeDto) user!: MeDto;
  @IsString() access_token!: string;
  @IsString() refresh_token!: string;
  /** When the access token expires. */
  @IsTimestamp() expires_at!: string;
}

/** The answer of `POST /auth/login`, for older clients that do not refresh tokens. */
export class AccessTokenAnswer {
  @IsString() accessToken!: string;
}

export class UpdateMeBody {
  @IsOptional() @IsName(100) name?: string;
  @IsOptional()
  @Transform(as((typed) => typed.trim().toLowerCase()))
  @Matches(/^[a-z0-9_]{3,30}$/)
  handle?: string;
  @Erasable() @IsHttpUrl() avatar?: string | null;
  @IsOptional() @IsBoolean() is_master?: boolean;
  @IsOptional() @IsIn(LOCALES) locale?: (typeof LOCALES)[number];
  @IsOptional() @IsIn(AUDIENCES) messages_from?: (typeof AUDIENCES)[number];
  @IsOptional() @IsIn(AUDIENCES) groups_from?: (typeof AUDIENCES)[number];
}

/** A signed-in device. */
export class SessionDto {
  @IsId() id!: string;
  @Nullable() @IsString() device!: string | null;
  @Nullable() @IsString() user_agent!: string | null;
  @Nullable() @IsString() ip!: string | null;
  @IsTimestamp() created_at!: string;
  @IsTimestamp() last_used_at!: string;
  @IsTimestamp() expires_at!: string;
  /** True for the session that makes the request. */
  @IsBoolean() current!: boolean;
}

export class UserQuery extends PageQuery {
  /** Part of a name or a handle. */
  @IsOptional() @IsText(0, 100) query?: string;
  /** True: only masters. False: only other users. Absent: both. */
  @IsSwitch() is_master?: boolean;
}

export class UserPage extends PageOf(UserDto) {}
export class SessionPage extends PageOf(SessionDto) {}

export class AuthRefreshPayload {
  @IsString() @MinLength(1) @MaxLength(4096) token!: string;
}

export class AuthRefreshAck {
  @IsIn(['ok']) status!: 'ok';
  @IsTimestamp() expires_at!: string;
}

export class ConnectedEvent {
  @IsString() socket_id!: string;
  @IsId() user_id!: string;
  @IsTimestamp() timestamp!: string;
}

export const SYNC_REASONS = ['connection_established', 'reconnection', 'token_refresh'] as const;

export class SyncRequiredEvent {
  @IsId() user_id!: string;
  @IsIn(SYNC_REASONS) reason!: (typeof SYNC_REASONS)[number];
  @IsTimestamp() timestamp!: string;
}

export class OkAck {
  @IsIn(['ok']) status!: 'ok';
}
