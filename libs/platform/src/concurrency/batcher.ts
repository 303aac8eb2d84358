import { WORK } from '../limits/budgets/index.js';
import { isDatabaseUnavailable } from '../database/database-errors.js';
import { unavailable } from './time-limit.js';

interface Pending<T, R> {
  item: T;
  size: number;
  resolve(result: R | Promise<R>): void;
  reject(error: unknown): void;
}

/**
 * Group commit: many callers share one round trip. It flushes at once when idle, and collects items while a flush runs.
 * So a single caller never waits, and concurrent callers share. One flush runs at a time: items are handled in the
 * order of arrival.
 *
 * `flush` returns one result per item, in order. An Error as a result rejects only its item; with a promise, only its
 * item waits.
 */
export class Batcher<T, R> {
  private queue: Pending<T, R>[] = [];
  /** The total size of all items that wait or are being flushed. */
  private size = 0;
  private running?: Promise<void>;
  private isDraining = false;
  /** Ends the pause between two flushes. */
  private wake?: () => void;

  constructor(
    private readonly flush: (items: T[]) => Promise<(R | Error | Promise<R>)[]>,
    private readonly options: {
      /** Limit of items per flush. */
      maxBatch: number;
      /** Limit of the total size of a flush with several items. */
      maxBatchSize?: number;
      /** Items that need a flush of their own. Their place in the order stays. */
      alone?: (item: T) => boolean;
      /** Beyond this number, callers get UNAVAILABLE: a slow database must not fill the memory. */
      maxQueued: number;
      /** The same for the total size, in the unit of `sizeOf`. */
      maxSize?: number;
      sizeOf?: (item: T) => number;
      /** Called when a caller is refused because of a limit. */
      onRefused: () => void;
      /** Minimum time between the starts of two flushes, ms. */
      intervalMs?: number;
    },
  ) {}

  add(item: T): Promise<R> {
    const { maxQueued, maxSize = Infinity, sizeOf } = this.options;
    const size = sizeOf?.(item) ?? 0;
    if (this.queue.length >= maxQueued || this.size + size > maxSize) {
      this.options.onRefused();
      return Promise.reject(unavailable('The service is overloaded, try again'));
    }
    this.size += size;
    return new Promise<R>((resolve, reject) => {
      this.queue.push({ item, size, resolve, reject });
      this.running ??= this.run();
    });
  }

  /** Flushes without pauses. Resolves when everything added has been flushed. */
  async drain(): Promise<void> {
    this.isDraining = true;
    this.wake?.();
    while (this.running) await this.running;
    this.isDraining = false;
  }

  private async run(): Promise<void> {
    while (this.queue.length > 0) {
      const started = performance.now();
      const batch = this.queue.splice(0, this.nextSize());
      try {
        // Async, so that a flush that throws synchronously also ends in a later tick.
        const results = await (async () => this.flush(batch.map(({ item }) => item)))();
        batch.forEach(({ resolve, reject }, i) => {
          const result = results[i]!;
          if (result instanceof Error) reject(result);
          else resolve(result);
        });
      } catch (error) {
        // With an unavailable database, waiting callers would only wait as long again.
        if (isDatabaseUnavailable(error)) batch.push(...this.queue.splice(0));
        for (const { reject } of batch) reject(error);
      }
      for (const { size } of batch) this.size -= size;
      const wait = (this.options.intervalMs ?? 0) - (performance.now() - started);
      if (wait > 0 && !this.isDraining) await this.pause(wait);
    }
    this.running = undefined;
  }

  private nextSize(): number {
    const { maxBatch, maxBatchSize = Infinity, alone } = this.options;
    const most = Math.min(maxBatch, this.queue.length);
    let total = 0;
    for (let i = 0; i < most; i++) {
      const { item, size } = this.queue[i]!;
      total += size;
      if (alone?.(item) || total > maxBatchSize) return Math.max(i, 1);
    }
    return most;
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/**
 * For queries of connecting devices, of which many arrive at once. They use the pool directly, since Prisma's overhead
 * would exceed the database's work. Fifty statements a second serve all of them. The statements have names, so each
 * connection plans them once.
 */
export const CONNECT_BATCH = { maxBatch: 500, maxQueued: WORK.lookUps.most.devices, intervalMs: 20 };
