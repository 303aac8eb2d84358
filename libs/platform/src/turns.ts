import { AppError } from '#contracts';
import { RETRY_MS } from './time-limit.js';

interface Line {
  /** The weight of what runs. */
  running: number;
  waiting: { weight: number; start: () => void }[];
}

/** Work of one key, such as a user: pieces of the weight `atOnce` run, and `waiting` pieces more wait in line. */
export class Turns {
  private readonly lines = new Map<string, Line>();

  constructor(
    private readonly most: { atOnce: number; waiting: number },
    private readonly onRefused: () => void,
  ) {}

  /** @throws AppError RATE_LIMIT when too many wait; what `work` throws */
  async run<T>(key: string, work: () => Promise<T>, weight = 1): Promise<T> {
    await this.begin(key, weight);
    try {
      return await work();
    } finally {
      this.end(key, weight);
    }
  }

  /**
   * To be followed by `end` with the same weight.
   * @returns a promise if it has to wait
   * @throws AppError RATE_LIMIT when too many wait
   */
  begin(key: string, weight = 1): void | Promise<void> {
    let line = this.lines.get(key);
    if (!line) this.lines.set(key, (line = { running: 0, waiting: [] }));
    const { waiting } = line;
    if (line.running < this.most.atOnce) {
      line.running += weight;
      return;
    }
    if (waiting.length >= this.most.waiting) {
      this.onRefused();
      throw new AppError('RATE_LIMIT', 'Too many requests at once, try again', { retryAfterMs: RETRY_MS });
    }
    return new Promise((start) => waiting.push({ weight, start }));
  }

  end(key: string, weight = 1): void {
    const line = this.lines.get(key)!;
    line.running -= weight;
    while (line.waiting.length > 0 && line.running < this.most.atOnce) {
      const next = line.waiting.shift()!;
      line.running += next.weight;
      next.start();
    }
    if (line.running === 0) this.lines.delete(key);
  }
}
