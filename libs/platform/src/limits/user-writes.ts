import { Injectable } from '@nestjs/common';
import { WORK } from './budgets/index.js';
import { Metrics } from '../observability/metrics.js';
import { FairScheduler } from '../concurrency/fair-scheduler.js';
import { KeyedLimiter } from '../concurrency/keyed-limiter.js';

/** A write counts as one more per so much time, for the order of waiting writes. In ms. */
const CHARGED_MS = 50;

/**
 * Limits writes over REST, by events and to the assistant. A few writes of one user run at once, in order of arrival.
 * Users with much recent use share a few places, so that many of them together do not slow others down.
 */
@Injectable()
export class UserWrites {
  private readonly perUser: KeyedLimiter;
  private readonly scheduler: FairScheduler;

  constructor(metrics: Metrics) {
    this.perUser = new KeyedLimiter(WORK.writesAtOnce.most, () => metrics.refuse(WORK.writesAtOnce));
    this.scheduler = new FairScheduler(WORK.writesOfAll.most, () => metrics.refuse(WORK.writesOfAll));
  }

  /** @throws AppError RATE_LIMIT, UNAVAILABLE (when too many wait, or for too long), or any error of `write` */
  run<T>(userId: string, write: () => Promise<T>): Promise<T> {
    return this.perUser.run(userId, async () => {
      const end = await this.scheduler.acquire(userId);
      const started = performance.now();
      try {
        return await write();
      } finally {
        this.scheduler.charge(userId, 1 + Math.floor((performance.now() - started) / CHARGED_MS));
        end();
      }
    });
  }
}
