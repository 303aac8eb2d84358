import { AppError, isStorable } from '#contracts';
import { validate as isUuid } from 'uuid';

/** An `id` is a UUID, which clients see as text. */
type Kind = 'string' | 'number' | 'id';

const IS: Record<Kind, (key: unknown) => boolean> = {
  string: (key) => typeof key === 'string' && isStorable(key),
  /** Not negative, and within the range of times and seqs. */
  number: (key) => Number.isSafeInteger(key) && Number(key) >= 0 && Number(key) < 8e15,
  id: isUuid,
};

/** An opaque cursor: the sort keys of the last row. */
export const encodeCursor = (keys: (string | number)[]): string =>
  Buffer.from(JSON.stringify(keys)).toString('base64url');

/**
 * @returns the sort keys, or nothing without a cursor
 * @throws AppError INVALID_DATA (when `encodeCursor` did not create the cursor with keys of these kinds)
 */
export function decodeCursor<T extends Kind[]>(
  cursor: string | null | undefined,
  ...kinds: T
): Partial<{ [K in keyof T]: T[K] extends 'number' ? number : string }> {
  if (cursor == null) return [] as never;
  try {
    const keys: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (Array.isArray(keys) && keys.length === kinds.length && kinds.every((kind, i) => IS[kind](keys[i])))
      return keys as never;
  } catch {
    // falls through to the same error
  }
  throw AppError.invalid('cursor', 'is invalid');
}

const FIRST = '00000000-0000-0000-0000-000000000000';
const LAST = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/** Ids are in the order of creation: the cursor of a list by id is the id of its last item. */
export const idCursor = ({ id }: { id: string }): string => encodeCursor([id]);

/** The bound of a page by id, newest first. @throws AppError INVALID_DATA (names `cursor`) */
export const idsBefore = (cursor?: string | null): string => decodeCursor(cursor, 'id')[0] ?? LAST;

/** The same for a page with the oldest first. */
export const idsAfter = (cursor?: string | null): string => decodeCursor(cursor, 'id')[0] ?? FIRST;
