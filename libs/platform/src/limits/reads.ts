import { AppError } from '#contracts';
import { Injectable } from '@nestjs/common';
import type { ServerResponse } from 'node:http';
import { READS } from './budgets/index.js';
import { FairScheduler } from '../concurrency/fair-scheduler.js';
import { answerLength, whenMade } from '../http/connections/answer-lengths.js';
import { Metrics } from '../observability/metrics.js';
import { RateLimits } from './rate-limits.js';
import { disconnected } from '../concurrency/time-limit.js';
import { KeyedLimiter } from '../concurrency/keyed-limiter.js';

/** An answer counts as one more read per so many characters. */
const CHARGED = 16 * 1024;
/** A read counts as one more per so much time in the database, for the order of waiting reads. In ms. */
const CHARGED_MS = 50;

/**
 * Limits reads over REST and by events. A few reads of one reader run at once. Long answers count as several reads, and
 * readers with much recent use wait behind others.
 */
@Injectable()
export class Reads {
  /** Per reader, until the client has the answer: each answer takes memory. */
  private readonly perReader: KeyedLimiter;
  /** For all readers, until the answer is created: large reads occupy the process and database connections. */
  private readonly scheduler: FairScheduler;
  /**
   * Until when readers have used up their reads by long answers, by `performance.now()`. Their waiting reads are
   * refused.
   */
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
   * Waits for the turn of a REST read that has been counted. The read ends when the client has the answer.
   * @param reader a user's id, or the network of an anonymous client
   * @throws AppError RATE_LIMIT, INVALID_DATA (when the client has disconnected)
   */
  wait(reader: string, answer: ServerResponse): Promise<void> {
    return new Promise((resolve, reject) => {
      const untilAnswered = async () => {
        const closed = new Promise((done) => answer.once('close', done));
        await this.schedule(reader, async () => {
          if (answer.destroyed) throw disconnected();
          resolve();
          await Promise.race([whenMade(answer), closed]);
          return answerLength(answer);
        });
        await closed;
      };
      this.perReader.run(reader, untilAnswered).catch(reject);
    });
  }

  /** A read by an event. @throws AppError RATE_LIMIT, or any error of `read` */
  async run<T>(userId: string, read: () => Promise<T>): Promise<T> {
    let answer: T;
    await this.send(userId, async () => {
      answer = await read();
      return JSON.stringify(answer).length;
    });
    return answer!;
  }

  /**
   * A read by an event whose answer is sent in pieces.
   * @param read resolves with the length of the answer, characters
   * @throws AppError RATE_LIMIT, or any error of `read`
   */
  async send(userId: string, read: () => Promise<number>): Promise<void> {
    await this.limits.take('read', userId);
    await this.perReader.run(userId, () => this.schedule(userId, read));
  }

  /** @throws AppError RATE_LIMIT (when long answers have used up the reader's reads) */
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
