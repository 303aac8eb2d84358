import { Type } from 'class-transformer';
import { IsArray, IsBoolean, IsIn, IsString, ValidateNested } from 'class-validator';
import { UserQuery } from './identity.js';
import { IsId, IsIdList, IsTimestamp, Nullable } from '../validation/validators.js';

export class PresenceGetPayload {
  @IsIdList(1, 200) user_ids!: string[];
}

/** Replaces the list of users whose online state this device receives. */
export class PresenceWatchPayload {
  @IsIdList(0, 200) user_ids!: string[];
}

export class PresenceItem {
  @IsId() user_id!: string;
  @IsBoolean() online!: boolean;
  @Nullable() @IsTimestamp() last_seen!: string | null;
}

export class PresenceAck {
  @IsIn(['ok']) status!: 'ok';
  @IsArray() @ValidateNested({ each: true }) @Type(() => PresenceItem) items!: PresenceItem[];
}

/** `user:online` and `user:offline`. */
export class PresenceEvent {
  @IsId() user_id!: string;
  @IsBoolean() online!: boolean;
  @IsTimestamp() last_seen!: string;
}

export class UsersListPayload extends UserQuery {}

export class UsersListItem {
  @IsId() id!: string;
  @IsString() name!: string;
  @Nullable() @IsString() avatar!: string | null;
  @IsBoolean() online!: boolean;
  @Nullable() @IsTimestamp() last_seen!: string | null;
}

export class UsersListAck {
  @IsIn(['ok']) status!: 'ok';
  @IsArray() @ValidateNested({ each: true }) @Type(() => UsersListItem) items!: UsersListItem[];
  @Nullable() @IsString() next_cursor!: string | null;
}
