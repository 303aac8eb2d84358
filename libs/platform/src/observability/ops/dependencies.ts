import { Injectable } from '@nestjs/common';
import { Gauge } from 'prom-client';
import { logger } from '../logging.js';
import { Metrics } from '../metrics.js';
import { PgPool } from '../../prisma/prisma.service.js';
import { RedisConnections } from '../../redis/redis.js';
import { remembered } from '../../concurrency/remembered.js';
import { within } from '../../concurrency/time-limit.js';

/** A database that takes longer than this, ms, does not serve requests either. */
const DATABASE_MS = 2000;

/**
 * Answered if a send could be: a part of it is written to disk, a database that is read-only refuses another, and a table
 * that is locked answers nobody. It leaves nothing behind.
 */
const PROBE = `
  SET LOCAL work_mem = '64kB';
  SELECT count(*) FROM generate_series(1, 10000);
  DELETE FROM users WHERE false;
  LOCK TABLE users, sessions, chats, chat_members, messages IN ROW EXCLUSIVE MODE`;

/** What this process stands on, as it sees it. */
@Injectable()
export class Dependencies {
  constructor(
    private readonly pool: PgPool,
    private readonly redis: RedisConnections,
    { registry }: Metrics,
  ) {
    const isUp = async () => Number(await this.databaseTakesWrites());
    new Gauge({
      name: 'postgres_up',
      help: `Whether the database takes writes of this process within ${DATABASE_MS} ms`,
      registers: [registry],
      async collect() {
        this.set(await isUp());
      },
    });
    const { shared } = redis;
    if (!shared) return;
    new Gauge({
      name: 'redis_up',
      help: 'Whether Redis is there for this process; where there is none, there is no such metric',
      registers: [registry],
      collect() {
        this.set(Number(shared.status === 'ready'));
      },
    });
  }

  readonly databaseTakesWrites = remembered(async () => {
    try {
      await within(DATABASE_MS, this.pool.query(PROBE), `no answer within ${DATABASE_MS} ms`);
      return true;
    } catch (error) {
      logger.warn({ err: (error as Error).message }, 'database accepts no writes');
      return false;
    }
  });

  /** Nothing in a process that is alone. */
  redisState(): { redis?: 'ok' | 'away' } {
    const { shared } = this.redis;
    return shared ? { redis: shared.status === 'ready' ? 'ok' : 'away' } : {};
  }
}
