import { isDatabaseUnavailable } from '../database/database-errors.js';
import { unavailable } from './time-limit.js';

interface Queue {
  /** Resolves when all its work has ended. */
  end: Promise<void>;
  /** The number of pieces, with the one that runs. */
  length: number;
  outage?: Error;
}

/** One queue per key: work of one key runs sequentially, different keys run concurrently. First work starts at once. */
export class KeyedQueue {
  private readonly queues = new Map<string, Queue>();

  constructor(
    private readonly options: {
      /** Limit of waiting work per key. */
      maxWaiting?: number;
      /** Called when work is refused. */
      onRefused?: () => void;
      /** With an unavailable database, waiting work fails too: it would only wait as long again. */
      sharesOutage?: boolean;
    } = {},
  ) {}

  has(key: string): boolean {
    return this.queues.has(key);
  }

  /** @throws AppError UNAVAILABLE (when too many wait), any error of `work`, or an outage of earlier work in the queue */
  run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const { maxWaiting = Infinity, onRefused, sharesOutage } = this.options;
    const before = this.queues.get(key);
    const queue: Queue = before ?? { end: Promise.resolve(), length: 0 };
    if (queue.length > maxWaiting) {
      onRefused?.();
      return Promise.reject(unavailable('The service is overloaded, try again'));
    }
    this.queues.set(key, queue);
    queue.length += 1;
    const start = async () => {
      if (queue.outage) throw queue.outage;
      return work();
    };
    const result = before ? before.end.then(start) : start();
    const leave = (error?: unknown) => {
      queue.length -= 1;
      if (sharesOutage && isDatabaseUnavailable(error)) queue.outage = error as Error;
      // Work that comes after an outage tries again.
      if ((queue.length === 0 || queue.outage) && this.queues.get(key) === queue) this.queues.delete(key);
    };
    queue.end = result.then(() => leave(), leave);
    return result;
  }

  /** Resolves when no work runs or waits any more. */
  async idle(): Promise<void> {
    while (this.queues.size > 0) await Promise.all([...this.queues.values()].map(({ end }) => end));
  }
}
