import { Type } from 'class-transformer';
import { IsArray, IsBoolean, IsInt, IsOptional, IsString, Min, ValidateNested } from 'class-validator';
import { SyncNotifications } from './notifications.js';
import { IsCursor, IsId, IsNested } from '../validation/validators.js';

export class SyncQuery {
  @IsCursor(4096) cursor?: string;
}

export class SyncChat {
  @IsId() id!: string;
  @IsInt() last_seq!: number;
  @IsInt() change_seq!: number;
  @IsInt() @Min(0) unread_count!: number;
  /** True when the user is not a member any more. `last_seq` is the last message that they can read. */
  @IsOptional() @IsBoolean() left?: boolean;
}

/** Everything that changed since the cursor; without a cursor, the whole current state. */
export class SyncAnswer {
  /** For the next call. A page has up to 500 chats: after a full page, call again at once. */
  @IsString() cursor!: string;
  @IsArray() @ValidateNested({ each: true }) @Type(() => SyncChat) chats!: SyncChat[];
  @IsNested(() => SyncNotifications) notifications!: SyncNotifications;
  /** The cursor belongs to another database: discard the local state, this answer starts anew. */
  @IsOptional() @IsBoolean() reset?: boolean;
}
