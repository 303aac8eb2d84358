import { Injectable } from '@nestjs/common';
import { READS } from './budgets/index.js';
import { FairScheduler } from './fair-scheduler.js';
import { Metrics } from './metrics.js';
import { PAGE_BYTES } from './page-size.js';

const { bytes: SMALL_BYTES, ...most } = READS.largePages.most;

/**
 * Pages are read small first. A page that is longer is read again, in a turn that all readers share: many large pages at
 * once would stop the process for as long as it takes to make them all.
 */
@Injectable()
export class LargePages {
  private readonly scheduler: FairScheduler;

  constructor(metrics: Metrics) {
    this.scheduler = new FairScheduler({ light: 0, ...most }, () => metrics.refuse(READS.largePages));
  }

  /**
   * @param read reads rows until they have so many bytes, the one that passes them included
   * @param bytesOf the bytes of what was read
   * @throws AppError UNAVAILABLE
   */
  async read<T>(
    reader: string,
    read: (bytes: number) => Promise<T>,
    bytesOf: (rows: T) => number,
  ): Promise<T> {
    const rows = await read(SMALL_BYTES);
    if (bytesOf(rows) <= SMALL_BYTES) return rows;
    const end = await this.scheduler.acquire(reader);
    const started = performance.now();
    try {
      this.scheduler.charge(reader, 1);
      return await read(PAGE_BYTES);
    } finally {
      // The answer is made of the rows, and then the process is for others as long as the page took.
      setTimeout(end, performance.now() - started);
    }
  }
}
