import { Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { logger } from '../observability/logging.js';
import { PgPool } from '../prisma/prisma.service.js';
import { within } from '../concurrency/time-limit.js';

/** How often the database is asked, ms: the two clocks drift apart by less than a millisecond meanwhile. */
const FOLLOW_MS = 10_000;
/** An answer that took longer, ms, does not say when its time was. At the start nobody waits longer for it. */
const SOON_MS = 500;

/** Add `performance.now()` to have the time, ms. At first that of the process's own clock. */
let origin = performance.timeOrigin;

/**
 * The time in ms: by the database's clock, which all processes share, and counted on by the monotonic clock. The process's own
 * clock may be set at any moment.
 */
export const sharedNow = () => Math.floor(origin + performance.now());

/** Keeps `sharedNow` by the database's clock. While the database is away it is counted on. */
@Injectable()
export class SharedClock implements OnModuleInit, OnApplicationShutdown {
  private timer?: NodeJS.Timeout;

  constructor(private readonly pool: PgPool) {}

  async onModuleInit(): Promise<void> {
    this.timer = setInterval(() => void this.follow(), FOLLOW_MS).unref();
    await within(SOON_MS, this.follow()).catch(() => undefined);
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  private async follow(): Promise<void> {
    try {
      const asked = performance.now();
      const { rows } = await this.pool.query<{ now: number }>(
        `SELECT (date_part('epoch', clock_timestamp()) * 1000)::float8 AS now`,
      );
      const answered = performance.now();
      if (answered - asked <= SOON_MS) origin = rows[0]!.now - (asked + answered) / 2;
    } catch (err) {
      logger.warn({ err: (err as Error).message }, 'database clock read failed');
    }
  }
}
