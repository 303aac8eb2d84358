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
    const line = this.lines.get(key) ?? { running: 0, waiting: [] };
    this.lines.set(key, line);
    await this.turn(line, weight);
    try {
      return await work();
    } finally {
      line.running -= weight;
      while (line.waiting.length > 0 && line.running < this.most.atOnce) {
        const next = line.waiting.shift()!;
        line.running += next.weight;
        next.start();
      }
      if (line.running === 0) this.lines.delete(key);
    }
  }

  private turn(line: Line, weight: number): void | Promise<void> {
    if (line.running < this.most.atOnce) {
      line.running += weight;
      return;
    }
    if (line.waiting.length >= this.most.waiting) {
      this.onRefused();
      throw new AppError('RATE_LIMIT', 'Too many requests at once, try again', { retryAfterMs: RETRY_MS });
    }
    return new Promise((start) => line.waiting.push({ weight, start }));
  }
}
