import { Injectable } from '@nestjs/common';
import { Metrics } from './metrics.js';
import { Prisma } from './prisma/generated/client.js';
import { SearchPool } from './prisma/prisma.service.js';
import { RateLimits } from './rate-limits.js';
import { unavailable } from './time-limit.js';
import { Turns } from './turns.js';

/** Searches of one user. */
const OF_ONE = { atOnce: 2, waiting: 4 };
/** Most searches of all users that wait for a connection. */
const MAX_WAITING = 40;

/** Runs one statement: `` query<Row>`SELECT …` ``. */
export type SearchSql = <T>(text: TemplateStringsArray, ...values: unknown[]) => Promise<T[]>;

/** Searches cost more than other reads: they share a few connections, and leave the others alone. */
@Injectable()
export class Searches {
  private readonly turns: Turns;

  constructor(
    private readonly pool: SearchPool,
    private readonly limits: RateLimits,
    private readonly metrics: Metrics,
  ) {
    this.turns = new Turns(OF_ONE, () => metrics.refused.inc({ budget: 'searches of one user' }));
  }

  /** @throws AppError RATE_LIMIT, UNAVAILABLE */
  async run<T>(userId: string, search: (query: SearchSql) => Promise<T>): Promise<T> {
    await this.limits.take('search', userId);
    return this.turns.run(userId, () => {
      if (this.pool.waitingCount >= MAX_WAITING) {
        this.metrics.refused.inc({ budget: 'searches' });
        throw unavailable('Too many searches at once, try again');
      }
      return search(async <T>(text: TemplateStringsArray, ...values: unknown[]) => {
        const statement = Prisma.sql(text, ...values);
        const { rows } = await this.pool.query({ text: statement.text, values: statement.values });
        return rows as T[];
      });
    });
  }
}
