import { Type } from 'class-transformer';
import { IsArray, IsIn, IsInt, IsOptional, IsString, ValidateNested } from 'class-validator';
import { IsTimestamp } from './validation/validators.js';

/** Every error code with its HTTP status. */
export const ERROR_STATUS = {
  UNAUTHORIZED: 401,
  FORBIDDEN: 403,
  INVALID_DATA: 400,
  CHAT_NOT_FOUND: 404,
  NOT_FOUND: 404,
  CONFLICT: 409,
  MESSAGE_TOO_LARGE: 413,
  RATE_LIMIT: 429,
  UNAVAILABLE: 503,
  INTERNAL: 500,
} as const;

export type ErrorCode = keyof typeof ERROR_STATUS;

/** Distinguishes errors that share a code. Clients switch on it; the message is for people. */
export const ERROR_REASONS = [
  'account_banned',
  'already_asked',
  'already_friends',
  'already_reviewed',
  'blocked',
  'email_taken',
  'handle_taken',
  'message_not_found',
  'not_a_member',
  'not_accepted',
  'refused_recently',
  'service_changed',
  'session_revoked',
  'slot_taken',
  'token_expired',
  'token_invalid',
  'too_many_members',
  'too_many_open_requests',
  'user_not_found',
  'wrong_credentials',
  'wrong_state',
] as const;

export type ErrorReason = (typeof ERROR_REASONS)[number];

export class FieldError {
  @IsString() field!: string;
  @IsString() message!: string;
}

/** The shape of every error: on REST, in an acknowledgement and as the `error` event. */
export class ErrorBody {
  @IsIn(Object.keys(ERROR_STATUS)) code!: ErrorCode;
  @IsOptional() @IsIn(ERROR_REASONS) reason?: ErrorReason;
  @IsString() message!: string;
  @IsTimestamp() timestamp!: string;
  @IsOptional() @IsArray() @ValidateNested({ each: true }) @Type(() => FieldError) details?: FieldError[];
  @IsOptional() @IsInt() retry_after_ms?: number;
}

/** An error for the client. Thrown anywhere, converted to an `ErrorBody` at the API boundary. */
export class AppError extends Error {
  readonly reason?: ErrorReason;
  readonly details?: FieldError[];
  readonly retryAfterMs?: number;

  constructor(
    readonly code: ErrorCode,
    message: string,
    more: { reason?: ErrorReason; details?: FieldError[]; retryAfterMs?: number } = {},
  ) {
    super(message);
    this.name = 'AppError';
    Object.assign(this, more);
  }

  static invalid(field: string, message: string): AppError {
    return new AppError('INVALID_DATA', `${field}: ${message}`, { details: [{ field, message }] });
  }

  toBody(): ErrorBody {
    return {
      code: this.code,
      ...(this.reason && { reason: this.reason }),
      message: this.message,
      timestamp: new Date().toISOString(),
      ...(this.details && { details: this.details }),
      ...(this.retryAfterMs !== undefined && { retry_after_ms: this.retryAfterMs }),
    };
  }
}
