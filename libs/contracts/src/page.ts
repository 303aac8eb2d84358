import { Type, type ClassConstructor } from 'class-transformer';
import { IsArray, IsInt, IsOptional, IsString, Max, MaxLength, Min, ValidateNested } from 'class-validator';
import { FromQuery, Nullable } from './validation/validators.js';

export const DEFAULT_PAGE = 50;
export const MAX_PAGE = 200;

/** Query of every list: `?limit=` (default 50, max 200) and an opaque `?cursor=`. */
export class PageQuery {
  @FromQuery() @IsInt() @Min(1) @Max(MAX_PAGE) limit: number = DEFAULT_PAGE;
  @IsOptional() @IsString() @MaxLength(512) cursor?: string;
}

/** `{ items, next_cursor }` of one item class. */
export function PageOf<T>(item: ClassConstructor<T>) {
  class Page {
    @IsArray() @ValidateNested({ each: true }) @Type(() => item) items!: T[];
    @Nullable() @IsString() next_cursor!: string | null;
  }
  return Page;
}
