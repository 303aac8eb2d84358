import { Injectable } from '@nestjs/common';
import { READS } from './budgets/index.js';
import { FairScheduler } from '../concurrency/fair-scheduler.js';
import { Metrics } from '../observability/metrics.js';
import { idCursor } from '../database/cursor.js';
import { PAGE_BYTES, pageOf, withinPage } from '../database/page.js';

const { bytes: SMALL_BYTES, ...most } = READS.largePages.most;

/** An item of a list that has not been read yet, and its approximate size in bytes. */
export interface Sized {
  id: string;
  bytes: number;
}

/**
 * Reads large pages of lists sequentially: many at once would block the process until all are built. Small pages do not
 * wait.
 */
@Injectable()
export class LargePages {
  private readonly scheduler: FairScheduler;

  constructor(metrics: Metrics) {
    this.scheduler = new FairScheduler({ light: 0, ...most }, () => metrics.refuse(READS.largePages));
  }

  /**
   * Reads a small page. If there is more, it reads the page again as a large one.
   * @param read reads rows up to so many bytes, including the row that exceeds them
   * @param bytesOf the size of the rows, bytes
   * @throws AppError UNAVAILABLE
   */
  async read<T>(
    reader: string,
    read: (bytes: number) => Promise<T>,
    bytesOf: (rows: T) => number,
  ): Promise<T> {
    const rows = await read(SMALL_BYTES);
    return bytesOf(rows) <= SMALL_BYTES ? rows : this.inTurn(reader, () => read(PAGE_BYTES));
  }

  /**
   * Reads a page of a list by ids. Items beyond the size of a page are not read.
   * @param found the ids of the page, and of one more item if it exists
   * @param read may leave out items that were deleted
   * @throws AppError UNAVAILABLE
   */
  async list<R extends Sized, T extends { id: string }>(
    reader: string,
    found: R[],
    limit: number,
    read: (ids: string[]) => Promise<T[]>,
    cursorAfter: (last: R) => string = idCursor,
  ): Promise<{ items: T[]; next_cursor: string | null }> {
    const { items: shown, next_cursor } = pageOf(found, limit, cursorAfter, ({ bytes }) => bytes);
    const ids = shown.map(({ id }) => id);
    const bytes = shown.reduce((sum, item) => sum + item.bytes, 0);
    const items = await (bytes <= SMALL_BYTES ? read(ids) : this.inTurn(reader, () => read(ids)));
    return withinPage({ items, next_cursor }, ({ id }) => cursorAfter(shown.find((item) => item.id === id)!));
  }

  private async inTurn<T>(reader: string, read: () => Promise<T>): Promise<T> {
    const end = await this.scheduler.acquire(reader);
    const started = performance.now();
    try {
      this.scheduler.charge(reader, 1);
      return await read();
    } finally {
      // The answer is built first. Then other work gets as much time as the page took.
      setTimeout(end, performance.now() - started);
    }
  }
}
