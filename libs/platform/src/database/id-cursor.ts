import { decodeCursor, encodeCursor } from './cursor.js';
import { withinPage } from './page-size.js';

const FIRST = '00000000-0000-0000-0000-000000000000';
const LAST = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/** The upper bound of a page by id. Ids are in the order of creation, so a list's cursor is the id of its last item. */
export const idsBefore = (cursor?: string | null): string => idOf(cursor) ?? LAST;
export const idsAfter = (cursor?: string | null): string => idOf(cursor) ?? FIRST;

/** @throws AppError INVALID_DATA (names `cursor`) */
function idOf(cursor?: string | null): string | undefined {
  if (cursor == null) return undefined;
  return decodeCursor(cursor, 'id')[0];
}

/** A page of `limit` items. The query must ask for one item more. */
export const pageOf = <T extends { id: string }>(rows: T[], limit: number) =>
  withinPage(
    { items: rows.slice(0, limit), next_cursor: rows.length > limit ? cursorAfter(rows[limit - 1]!) : null },
    cursorAfter,
  );

export const cursorAfter = ({ id }: { id: string }): string => encodeCursor([id]);
