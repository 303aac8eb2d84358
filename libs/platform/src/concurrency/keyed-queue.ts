import { Batcher } from './batcher.js';

type Work = () => Promise<unknown>;

/** Work in lines, one for each key: one after the other in a line, and different lines at once. */
export class KeyedQueue {
  private readonly queues = new Map<string, { batcher: Batcher<Work, unknown>; length: number }>();

  /**
   * @param maxWaiting the most that wait in one line
   * @param onRefused called when there are more
   */
  constructor(
    private readonly maxWaiting = Infinity,
    private readonly onRefused?: () => void,
  ) {}

  /** @throws AppError UNAVAILABLE when too many wait; what `work` throws, or work before it that met no database */
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
