import { Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { logFailure } from '../observability/logging.js';
import { PgPool } from '../prisma/prisma.service.js';
import { within } from '../concurrency/time-limit.js';

/** Interval of reading the database's clock, ms: the clocks drift by less than a millisecond meanwhile. */
const FOLLOW_MS = 10_000;
/** A slower answer, ms, is too inexact to use. A start does not wait longer either. */
const SOON_MS = 500;

/** Add `performance.now()` to get the time, ms. Until the first answer, the process's own clock is used. */
let origin = performance.timeOrigin;

/**
 * The time in ms of the database's clock, which all processes share, continued by the monotonic clock. The process's
 * own clock may be changed at any time.
 */
export const sharedNow = () => Math.floor(origin + performance.now());

/**
 * Keeps `sharedNow` in line with the database's clock. While the database is unavailable, the monotonic clock
 * continues.
 */
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
      logFailure('database clock read failed')(err);
    }
  }
}
