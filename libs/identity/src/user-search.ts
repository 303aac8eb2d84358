import { AppError } from '#contracts';
import { decodeCursor, encodeCursor, Prisma } from '#platform';
import { validate as isUuid } from 'uuid';

/** Without three letters or digits in a row there is no trigram for the index to look for. */
const TRIGRAM = /[\p{L}\p{N}]{3}/u;

export const hasTrigram = (text: string): boolean => TRIGRAM.test(text);

/** The text as a part of a LIKE pattern. */
export const literal = (text: string): string => text.replace(/[\\%_]/g, '\\$&');

/**
 * Condition for SQL: a name or handle contains the text; for a text without three letters or digits in a row, starts
 * with it. PostgreSQL lowers both sides, so that they agree about every letter; the expressions are those of the indexes.
 */
export function isNamed(text: string): Prisma.Sql {
  if (text === '') return Prisma.sql`true`;
  if (hasTrigram(text)) return Prisma.sql`lower(name || ' ' || handle) LIKE lower(${`%${literal(text)}%`})`;
  const named = Prisma.sql`lower(name) LIKE lower(${`${literal(text)}%`})`;
  // Other characters no handle has: then one range of the index holds all there is to find.
  return /^\w+$/.test(text) ? Prisma.sql`(${named} OR handle LIKE lower(${`${literal(text)}%`}))` : named;
}

/** To be followed by LIMIT. Byte by byte, the order of the `text_pattern_ops` index whatever the database's locale is. */
export const BY_NAME = Prisma.sql`ORDER BY lower(name) USING ~<~, id`;

/** Condition for SQL: where the page by name begins. @throws AppError INVALID_DATA naming cursor */
export function isAfter(cursor?: string | null): Prisma.Sql {
  if (cursor == null) return Prisma.sql`true`;
  const [name, id] = decodeCursor(cursor, 'string', 'string');
  if (!isUuid(id) || name.includes('\0')) throw AppError.invalid('cursor', 'is not a cursor of this list');
  return Prisma.sql`lower(name) ~>=~ ${name} AND (lower(name) ~>~ ${name} OR id > ${id}::uuid)`;
}

/** The page of `limit` rows, of which one more was asked for; `key` is `lower(name)`. */
export function pageByName<T extends { id: string; key: string }>(rows: T[], limit: number) {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  const next_cursor = last && rows.length > limit ? encodeCursor([last.key, last.id]) : null;
  return { items, next_cursor };
}
