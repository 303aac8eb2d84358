import { AppError } from '#contracts';
import { RETRY_MS } from './retry.js';

interface Work {
  /** The total weight of running work. */
  running: number;
  waiting: { weight: number; start: () => void }[];
}

/** Limits the work per key, such as a user: work up to the weight `atOnce` runs, and `waiting` further pieces wait. */
export class KeyedLimiter {
  private readonly byKey = new Map<string, Work>();

  constructor(
    private readonly most: { atOnce: number; waiting: number },
    private readonly onRefused: () => void,
  ) {}

  /**
   * @throws AppError RATE_LIMIT (when too many wait), the reason of `signal` (when it is aborted while the work waits), or
   *   any error of `work`
   */
  async run<T>(key: string, work: () => Promise<T>, weight = 1, signal?: AbortSignal): Promise<T> {
    await this.acquire(key, weight, signal);
    try {
      return await work();
    } finally {
      this.release(key, weight);
    }
  }

  /**
   * Must be followed by `end` with the same weight.
   * @returns a promise if it has to wait
   * @throws AppError RATE_LIMIT (when too many wait), the reason of `signal` (when it is aborted before the work starts)
   */
  acquire(key: string, weight = 1, signal?: AbortSignal): void | Promise<void> {
    signal?.throwIfAborted();
    let work = this.byKey.get(key);
    if (!work) this.byKey.set(key, (work = { running: 0, waiting: [] }));
    const { waiting } = work;
    if (work.running < this.most.atOnce) {
      work.running += weight;
      return;
    }
    if (waiting.length >= this.most.waiting) {
      this.onRefused();
      throw new AppError('RATE_LIMIT', 'Too many requests at once, try again', { retryAfterMs: RETRY_MS });
    }
    return new Promise((start, reject) => {
      const piece = { weight, start };
      waiting.push(piece);
      signal?.addEventListener('abort', () => {
        if (!waiting.includes(piece)) return;
        waiting.splice(waiting.indexOf(piece), 1);
        reject(signal.reason as Error);
      });
    });
  }

  release(key: string, weight = 1): void {
    const work = this.byKey.get(key)!;
    work.running -= weight;
    while (work.waiting.length > 0 && work.running < this.most.atOnce) {
      const next = work.waiting.shift()!;
      work.running += next.weight;
      next.start();
    }
    if (work.running === 0) this.byKey.delete(key);
  }
}
