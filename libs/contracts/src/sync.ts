import { Type } from 'class-transformer';
import {
  IsArray,
  IsBoolean,
  IsInt,
  IsOptional,
  IsString,
  MaxLength,
  Min,
  ValidateNested,
} from 'class-validator';
import { SyncNotifications } from './notifications.js';
import { IsId, IsNested } from './validators.js';

export class SyncQuery {
  @IsOptional() @IsString() @MaxLength(4096) cursor?: string;
}

export class SyncChat {
  @IsId() id!: string;
  @IsInt() last_seq!: number;
  @IsInt() change_seq!: number;
  @IsInt() @Min(0) unread_count!: number;
  /** True: no longer in it. `last_seq` is the last message that stays readable. */
  @IsOptional() @IsBoolean() left?: boolean;
}

/** All that changed since the cursor; without one, everything current (contract, "REST", `GET sync`). */
export class SyncAnswer {
  /** For the next call. A page holds up to 500 chats: with a full page, call again at once. */
  @IsString() cursor!: string;
  @IsArray() @ValidateNested({ each: true }) @Type(() => SyncChat) chats!: SyncChat[];
  @IsNested(() => SyncNotifications) notifications!: SyncNotifications;
  /** The cursor was not of this database: forget what you hold, this answer starts anew. */
  @IsOptional() @IsBoolean() reset?: boolean;
}
