import { READS } from '../limits/budgets/index.js';

/** About how many bytes of JSON a page of a list has at most. */
export const PAGE_BYTES = READS.page.most.bytes;

/**
 * A page that is too large ends early, after one item at least; the rest is on the next one.
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
