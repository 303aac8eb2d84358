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
 * Group commit: many callers, one round trip. Flushes at once when idle and gathers while a flush runs, so a
 * lone caller never waits and a crowd shares. One flush at a time: items are handled in the order they came.
 *
 * `flush` gives one result per item, in order; an Error as a result rejects that item alone, and for a promise its
 * item alone waits.
 */
export class Batcher<T, R> {
  private queue: Pending<T, R>[] = [];
  /** Of all items that wait or are being flushed. */
  private size = 0;
  private running?: Promise<void>;
  private isDraining = false;
  /** Ends the pause between two flushes. */
  private wake?: () => void;

  constructor(
    private readonly flush: (items: T[]) => Promise<(R | Error | Promise<R>)[]>,
    private readonly options: {
      /** Most items in one flush. */
      maxBatch: number;
      /** Most that the items of one flush hold together, if it has more than one. */
      maxBatchSize?: number;
      /** Which items have a flush to themselves, in their place among the others. */
      alone?: (item: T) => boolean;
      /** Beyond it callers get UNAVAILABLE: a database that falls behind must not fill the memory. */
      maxQueued: number;
      /** The same for what they hold together, in whatever `sizeOf` counts. */
      maxSize?: number;
      sizeOf?: (item: T) => number;
      /** Called when a caller is refused for that. */
      onRefused?: () => void;
      /** Least time between the starts of two flushes, in ms. */
      intervalMs?: number;
    },
  ) {}

  add(item: T): Promise<R> {
    const { maxQueued, maxSize = Infinity, sizeOf } = this.options;
    const size = sizeOf?.(item) ?? 0;
    if (this.queue.length >= maxQueued || this.size + size > maxSize) {
      this.options.onRefused?.();
      return Promise.reject(unavailable('The service is overloaded, try again'));
    }
    this.size += size;
    return new Promise<R>((resolve, reject) => {
      this.queue.push({ item, size, resolve, reject });
      this.running ??= this.run();
    });
  }

  /** Flushes without pauses; resolves when everything that was added has been flushed. */
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
        // Async, so that also a flush that throws at once ends in a later turn than it began.
        const results = await (async () => this.flush(batch.map(({ item }) => item)))();
        batch.forEach(({ resolve, reject }, i) => {
          const result = results[i]!;
          if (result instanceof Error) reject(result);
          else resolve(result);
        });
      } catch (error) {
        // Who waits behind a database that is away would only wait as long again.
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
 * For what each of many who connect at once asks the database, by the pool itself, since Prisma's part in it would be
 * larger than the database's: fifty statements a second are enough for all of them. They have names, so that a
 * connection plans each of them once.
 */
export const CONNECT_BATCH = { maxBatch: 500, maxQueued: WORK.lookUps.most.devices, intervalMs: 20 };
