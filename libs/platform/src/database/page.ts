import { READS } from '../limits/budgets/index.js';

/** The approximate limit of a list page, bytes of JSON. */
export const PAGE_BYTES = READS.page.most.bytes;

interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

/**
 * Ends a page early that is too large, after at least one item; the rest follows on the next page.
 * @param cursorAfter the cursor of the page that begins after an item
 * @param bytesOf the bytes of an item
 */
export function withinPage<T, P extends Page<T>>(
  page: P & { items: T[] },
  cursorAfter: (last: T) => string,
  bytesOf = (item: T): number => Buffer.byteLength(JSON.stringify(item)),
): P {
  let bytes = 0;
  const end = page.items.findIndex((item, i) => {
    bytes += bytesOf(item);
    return bytes > PAGE_BYTES && i > 0;
  });
  if (end < 0) return page;
  const items = page.items.slice(0, end);
  return { ...page, items, next_cursor: cursorAfter(items.at(-1)!) };
}

/**
 * A page of `limit` items. The query must ask for one item more.
 * @param cursorAfter as for `withinPage`; `idCursor` for a list by id
 */
export function pageOf<T>(
  rows: T[],
  limit: number,
  cursorAfter: (last: T) => string,
  bytesOf?: (item: T) => number,
): Page<T> {
  const items = rows.slice(0, limit);
  const next_cursor = rows.length > limit ? cursorAfter(items.at(-1)!) : null;
  return withinPage({ items, next_cursor }, cursorAfter, bytesOf);
}
