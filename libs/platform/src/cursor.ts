import { AppError } from '#contracts';

/** Text that PostgreSQL takes, or a number that is neither negative nor beyond any time or seq of ours. */
const isStorable = (key: unknown) =>
  typeof key === 'string'
    ? !key.includes('\0') && key.isWellFormed()
    : Number.isSafeInteger(key) && Number(key) >= 0 && Number(key) < 8e15;

/** An opaque cursor: the last row's sort keys. */
export const encodeCursor = (keys: (string | number)[]): string =>
  Buffer.from(JSON.stringify(keys)).toString('base64url');

/** @throws AppError INVALID_DATA for anything `encodeCursor` did not make with these types */
export function decodeCursor<T extends ('string' | 'number')[]>(
  cursor: string,
  ...types: T
): { [K in keyof T]: T[K] extends 'string' ? string : number } {
  try {
    const keys: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (
      Array.isArray(keys) &&
      keys.length === types.length &&
      keys.every((key, i) => typeof key === types[i] && isStorable(key))
    )
      return keys as never;
  } catch {
    // falls through to the same answer
  }
  throw AppError.invalid('cursor', 'is not a cursor of this list');
}
