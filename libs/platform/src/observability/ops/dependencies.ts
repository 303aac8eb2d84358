import { Injectable } from '@nestjs/common';
import { Gauge } from 'prom-client';
import { logFailure } from '../logging.js';
import { Metrics } from '../metrics.js';
import { PgPool } from '../../prisma/prisma.service.js';
import { RedisConnections } from '../../redis/redis.js';
import { remembered } from '../../concurrency/remembered.js';
import { within } from '../../concurrency/time-limit.js';

/** A slower database, ms, cannot serve requests either. */
const DATABASE_MS = 2000;

/**
 * A write probe: it fails when a send would. Part of it is written to disk, a read-only database refuses it, and a
 * locked table blocks it. It leaves no data.
 */
const PROBE = `
  SET LOCAL work_mem = '64kB';
  SELECT count(*) FROM generate_series(1, 10000);
  DELETE FROM users WHERE false;
  LOCK TABLE users, sessions, chats, chat_members, messages IN ROW EXCLUSIVE MODE`;

/** The state of the database and Redis, as this process sees them. */
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
      help: `Whether the database accepts writes of this process within ${DATABASE_MS} ms`,
      registers: [registry],
      async collect() {
        this.set(await isUp());
      },
    });
    const { shared } = redis;
    if (!shared) return;
    new Gauge({
      name: 'redis_up',
      help: 'Whether this process is connected to Redis; absent without Redis',
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
      logFailure('database accepts no writes')(error);
      return false;
    }
  });

  /** Empty in a single process without Redis. */
  redisState(): { redis?: 'ok' | 'away' } {
    const { shared } = this.redis;
    return shared ? { redis: shared.status === 'ready' ? 'ok' : 'away' } : {};
  }
}
