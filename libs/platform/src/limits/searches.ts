import { Injectable } from '@nestjs/common';
import { READS } from './budgets/index.js';
import { FairScheduler } from '../concurrency/fair-scheduler.js';
import { Metrics } from '../observability/metrics.js';
import { Prisma } from '../prisma/generated/client.js';
import { SearchPool } from '../prisma/prisma.service.js';
import { RateLimits } from './rate-limits.js';
import { unavailable } from '../concurrency/time-limit.js';
import { KeyedLimiter } from '../concurrency/keyed-limiter.js';

/** Runs one statement: `` query<Row>`SELECT …` ``. */
export type SearchSql = <T>(text: TemplateStringsArray, ...values: unknown[]) => Promise<T[]>;

/** Limits searches, which cost more than other reads: they share a few connections of their own. */
@Injectable()
export class Searches {
  private readonly perUser: KeyedLimiter;
  private readonly scheduler: FairScheduler;

  constructor(
    private readonly pool: SearchPool,
    private readonly limits: RateLimits,
    private readonly metrics: Metrics,
  ) {
    this.perUser = new KeyedLimiter(READS.searchesOfOne.most, () => metrics.refuse(READS.searchesOfOne));
    this.scheduler = new FairScheduler(READS.searchesOfAll.most, () => metrics.refuse(READS.searchesOfAll));
  }

  /** @throws AppError RATE_LIMIT, UNAVAILABLE */
  async run<T>(userId: string, search: (query: SearchSql) => Promise<T>): Promise<T> {
    await this.limits.take('search', userId);
    return this.perUser.run(userId, async () => {
      const end = await this.scheduler.acquire(userId);
      this.scheduler.charge(userId, 1);
      try {
        if (this.pool.waitingCount >= READS.searchConnections.most.waiting) {
          this.metrics.refuse(READS.searchConnections);
          throw unavailable('Too many searches at once, try again');
        }
        return await search((text, ...values) => this.query(text, ...values));
      } finally {
        end();
      }
    });
  }

  private async query<T>(text: TemplateStringsArray, ...values: unknown[]): Promise<T[]> {
    const statement = Prisma.sql(text, ...values);
    const { rows } = await this.pool.query({ text: statement.text, values: statement.values });
    return rows as T[];
  }
}
