import { decodeCursor, encodeCursor } from './cursor.js';
import { withinPage } from './page-size.js';

const FIRST = '00000000-0000-0000-0000-000000000000';
const LAST = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/** Where a page begins: ids are in the order of writing, so that a list's cursor is its last item's id. */
export const idsBefore = (cursor?: string | null): string => idOf(cursor) ?? LAST;
export const idsAfter = (cursor?: string | null): string => idOf(cursor) ?? FIRST;

/** @throws AppError INVALID_DATA naming cursor */
function idOf(cursor?: string | null): string | undefined {
  if (cursor == null) return undefined;
  return decodeCursor(cursor, 'id')[0];
}

/** The page of `limit` items, of which one more than that was asked for. */
export const pageOf = <T extends { id: string }>(rows: T[], limit: number) =>
  withinPage(
    { items: rows.slice(0, limit), next_cursor: rows.length > limit ? cursorAfter(rows[limit - 1]!) : null },
    cursorAfter,
  );

export const cursorAfter = ({ id }: { id: string }): string => encodeCursor([id]);
