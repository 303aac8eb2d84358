import { AppError } from '#contracts';
import { RETRY_MS } from './time-limit.js';

interface Line {
  running: number;
  waiting: (() => void)[];
}

/** Work of one key, such as a user: `atOnce` pieces run, `waiting` more wait in line. */
export class Turns {
  private readonly lines = new Map<string, Line>();

  constructor(
    private readonly most: { atOnce: number; waiting: number },
    private readonly onRefused: () => void,
  ) {}

  /** @throws AppError RATE_LIMIT when too many wait; what `work` throws */
  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const line = this.lines.get(key) ?? { running: 0, waiting: [] };
    this.lines.set(key, line);
    await this.turn(line);
    try {
      return await work();
    } finally {
      const next = line.waiting.shift();
      if (next) next();
      else if (--line.running === 0) this.lines.delete(key);
    }
  }

  private turn(line: Line): void | Promise<void> {
    if (line.running < this.most.atOnce) {
      line.running += 1;
      return;
    }
    if (line.waiting.length >= this.most.waiting) {
      this.onRefused();
      throw new AppError('RATE_LIMIT', 'Too many requests at once, try again', { retryAfterMs: RETRY_MS });
    }
    return new Promise((resolve) => line.waiting.push(resolve));
  }
}
