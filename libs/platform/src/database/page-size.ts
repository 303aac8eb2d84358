import { READS } from '../limits/budgets/index.js';

/** The approximate limit of a list page, bytes of JSON. */
export const PAGE_BYTES = READS.page.most.bytes;

/**
 * Ends a page early that is too large, after at least one item; the rest follows on the next page.
 * @param cursorAfter the cursor of the page that begins after an item
 * @param bytesOf the bytes of an item
 */
export function withinPage<T, P extends { items: T[]; next_cursor: string | null }>(
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
