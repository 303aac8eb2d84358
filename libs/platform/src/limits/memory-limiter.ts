import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';

interface Window {
  points: number;
  /** By `performance.now()`. */
  endsAt: number;
  timer: NodeJS.Timeout;
}

/** The windows of all keys. It has the methods by which the library calls its own storage. */
class Windows {
  private readonly windows = new Map<string, Window>();

  incrby(key: string, points: number, seconds: number): RateLimiterRes {
    const window = this.windows.get(key);
    if (!window || window.endsAt <= performance.now()) return this.set(key, points, seconds);
    window.points += points;
    return result(window);
  }

  set(key: string, points: number, seconds: number): RateLimiterRes {
    clearTimeout(this.windows.get(key)?.timer);
    const timer = setTimeout(() => this.windows.delete(key), seconds * 1000).unref();
    const window = { points, endsAt: performance.now() + seconds * 1000, timer };
    this.windows.set(key, window);
    return result(window);
  }

  get(key: string): RateLimiterRes | null {
    const window = this.windows.get(key);
    return window ? result(window) : null;
  }
}

const result = ({ points, endsAt }: Window) => new RateLimiterRes(0, endsAt - performance.now(), points);

/** Counts by a monotonic clock. The library's own storage counts by the time of day, which may be set. */
export class MemoryLimiter extends RateLimiterMemory {
  protected readonly _memoryStorage = new Windows();
}
