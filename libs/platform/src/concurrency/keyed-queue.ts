import { Batcher } from './batcher.js';

type Work = () => Promise<unknown>;

/** One queue per key: work of one key runs sequentially, different keys run concurrently. */
export class KeyedQueue {
  private readonly queues = new Map<string, { batcher: Batcher<Work, unknown>; length: number }>();

  /**
   * @param maxWaiting the limit of waiting work per key
   * @param onRefused called when work is refused
   */
  constructor(
    private readonly maxWaiting = Infinity,
    private readonly onRefused?: () => void,
  ) {}

  /**
   * @throws AppError UNAVAILABLE (when too many wait), any error of `work`, or a database error of earlier work in the
   *   queue
   */
  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const queue = this.queues.get(key) ?? { batcher: this.oneByOne(), length: 0 };
    this.queues.set(key, queue);
    queue.length += 1;
    try {
      return (await queue.batcher.add(work)) as T;
    } finally {
      queue.length -= 1;
      if (queue.length === 0) this.queues.delete(key);
    }
  }

  private oneByOne(): Batcher<Work, unknown> {
    return new Batcher<Work, unknown>(async ([work]) => [await work!()], {
      maxBatch: 1,
      maxQueued: this.maxWaiting,
      onRefused: this.onRefused,
    });
  }
}
