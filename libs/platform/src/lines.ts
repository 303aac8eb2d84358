import { Batcher } from './batcher.js';

type Work = () => Promise<unknown>;

/** Work in lines, one for each key: one after the other in a line, and different lines at once. */
export class Lines {
  private readonly lines = new Map<string, { batcher: Batcher<Work, unknown>; length: number }>();

  /**
   * @param maxWaiting the most that wait in one line
   * @param onRefused called when there are more
   */
  constructor(
    private readonly maxWaiting = Infinity,
    private readonly onRefused?: () => void,
  ) {}

  /** @throws AppError UNAVAILABLE when too many wait; what `work` throws, or work before it that met no database */
  async take<T>(key: string, work: () => Promise<T>): Promise<T> {
    const line = this.lines.get(key) ?? { batcher: this.oneByOne(), length: 0 };
    this.lines.set(key, line);
    line.length += 1;
    try {
      return (await line.batcher.add(work)) as T;
    } finally {
      line.length -= 1;
      if (line.length === 0) this.lines.delete(key);
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
