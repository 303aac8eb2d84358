import { AppError } from '#contracts';
import { Injectable } from '@nestjs/common';
import type { ServerResponse } from 'node:http';
import { READS } from './budgets/index.js';
import { FairScheduler } from '../concurrency/fair-scheduler.js';
import { answerLength, whenMade } from '../http/connections/answer-lengths.js';
import { Metrics } from '../observability/metrics.js';
import { RateLimits } from './rate-limits.js';
import { unavailable } from '../concurrency/time-limit.js';
import { KeyedLimiter } from '../concurrency/keyed-limiter.js';

/** An answer of so many characters counts as one read more. */
const CHARGED = 16 * 1024;
/** So long a read keeps the database as one read more, for the order of those that wait. ms */
const CHARGED_MS = 50;

/**
 * Reads over REST and by events. However many one reader sends at once, a few of them are in work. Long answers count as
 * several reads, and readers who have had much of late leave the others the way.
 */
@Injectable()
export class Reads {
  /** Of one reader, until the client has the answer: each holds its answer in memory. */
  private readonly perReader: KeyedLimiter;
  /** Of all readers, until the answer is made: large reads in work take the process and the connections of the database. */
  private readonly scheduler: FairScheduler;
  /** Until when readers have no more reads whose answers were long, by `performance.now()`. Those that wait are not done. */
  private readonly spent = new Map<string, number>();

  constructor(
    private readonly limits: RateLimits,
    metrics: Metrics,
  ) {
    const onRefused = () => metrics.refuse(READS.ofOne);
    this.perReader = new KeyedLimiter(READS.ofOne.most, onRefused);
    this.scheduler = new FairScheduler(READS.ofAll.most, onRefused);
  }

  /**
   * Over REST, of a read that has been counted: until the client has the answer.
   * @param reader a user's id, or the network of somebody who has not signed in
   * @throws AppError RATE_LIMIT, UNAVAILABLE when the client is gone
   */
  wait(reader: string, answer: ServerResponse): Promise<void> {
    return new Promise((resolve, reject) => {
      const untilAnswered = async () => {
        const closed = new Promise((done) => answer.once('close', done));
        await this.schedule(reader, async () => {
          if (answer.destroyed) throw unavailable('The client is gone');
          resolve();
          await Promise.race([whenMade(answer), closed]);
          return answerLength(answer);
        });
        await closed;
      };
      this.perReader.run(reader, untilAnswered).catch(reject);
    });
  }

  /** By an event. @throws AppError RATE_LIMIT; what `read` throws */
  async run<T>(userId: string, read: () => Promise<T>): Promise<T> {
    let answer: T;
    await this.send(userId, async () => {
      answer = await read();
      return JSON.stringify(answer).length;
    });
    return answer!;
  }

  /**
   * By an event whose answer is sent in pieces.
   * @param read resolves with the length of the answer, characters
   * @throws AppError RATE_LIMIT; what `read` throws
   */
  async send(userId: string, read: () => Promise<number>): Promise<void> {
    await this.limits.take('read', userId);
    await this.perReader.run(userId, () => this.schedule(userId, read));
  }

  /** @throws AppError RATE_LIMIT when long answers have used up the reader's reads */
  requireLeft(reader: string): void {
    const until = this.spent.get(reader);
    if (until === undefined) return;
    const retryAfterMs = Math.max(1, Math.ceil(until - performance.now()));
    throw new AppError('RATE_LIMIT', 'Too many long answers, try again later', { retryAfterMs });
  }

  /** @param length of an answer, characters */
  async charge(reader: string, length: number): Promise<void> {
    const more = Math.floor(length / CHARGED);
    this.scheduler.charge(reader, 1 + more);
    if (more === 0) return;
    await this.limits.take('read', reader, more).catch((error: unknown) => {
      if (!(error instanceof AppError)) throw error;
      const { retryAfterMs = 0 } = error;
      this.spent.set(reader, performance.now() + retryAfterMs);
      setTimeout(() => this.spent.delete(reader), retryAfterMs).unref();
    });
  }

  /** @param read resolves with the length of the answer, characters */
  private async schedule(reader: string, read: () => Promise<number>): Promise<void> {
    this.requireLeft(reader);
    const end = await this.scheduler.acquire(reader);
    const started = performance.now();
    try {
      this.requireLeft(reader);
      await this.charge(reader, await read());
    } finally {
      this.scheduler.charge(reader, Math.floor((performance.now() - started) / CHARGED_MS));
      end();
    }
  }
}
