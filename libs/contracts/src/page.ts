import { applyDecorators } from '@nestjs/common';
import { Type, type ClassConstructor } from 'class-transformer';
import { IsArray, IsInt, IsString, Max, Min, ValidateNested } from 'class-validator';
import { FromQuery, IsCursor, Nullable } from './validation/validators.js';

export const DEFAULT_PAGE = 50;
export const MAX_PAGE = 200;

/** `?limit=` of a list. */
export const IsPageLimit = () => applyDecorators(Max(MAX_PAGE), Min(1), IsInt(), FromQuery());

/** Query of every list: `?limit=` (default 50, max 200) and an opaque `?cursor=`. */
export class PageQuery {
  @IsPageLimit() limit: number = DEFAULT_PAGE;
  @IsCursor() cursor?: string;
}

/** `{ items, next_cursor }` of one item class. */
export function PageOf<T>(item: ClassConstructor<T>) {
  class Page {
    @IsArray() @ValidateNested({ each: true }) @Type(() => item) items!: T[];
    @Nullable() @IsString() next_cursor!: string | null;
  }
  return Page;
}
