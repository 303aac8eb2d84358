import { AppError } from '#contracts';
import { validate as isUuid } from 'uuid';

/** An `id` is a UUID, and text for who asks. */
type Kind = 'string' | 'number' | 'id';

const IS: Record<Kind, (key: unknown) => boolean> = {
  /** That PostgreSQL takes. */
  string: (key) => typeof key === 'string' && !key.includes('\0') && key.isWellFormed(),
  /** Neither negative nor beyond any time or seq of ours. */
  number: (key) => Number.isSafeInteger(key) && Number(key) >= 0 && Number(key) < 8e15,
  id: isUuid,
};

/** An opaque cursor: the last row's sort keys. */
export const encodeCursor = (keys: (string | number)[]): string =>
  Buffer.from(JSON.stringify(keys)).toString('base64url');

/** @throws AppError INVALID_DATA for anything `encodeCursor` did not make of these kinds of keys */
export function decodeCursor<T extends Kind[]>(
  cursor: string,
  ...kinds: T
): { [K in keyof T]: T[K] extends 'number' ? number : string } {
  try {
    const keys: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (Array.isArray(keys) && keys.length === kinds.length && kinds.every((kind, i) => IS[kind](keys[i])))
      return keys as never;
  } catch {
    // falls through to the same answer
  }
  throw AppError.invalid('cursor', 'is not a cursor of this list');
}
