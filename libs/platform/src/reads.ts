import { AppError } from '#contracts';
import { Injectable } from '@nestjs/common';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { answerLength } from './http/answer-lengths.js';
import { Metrics } from './metrics.js';
import { RateLimits } from './rate-limits.js';
import { unavailable } from './time-limit.js';
import { Turns } from './turns.js';

/** Reads of one reader, of which each process has so many: a few large ones more would take all connections of the database. */
const OF_ONE = { atOnce: 4, waiting: 200 };
/** An answer of so many characters counts as one read more. */
const CHARGED = 16 * 1024;

/** However many reads one sends at once, over REST and by events, a few of them are answered at a time, and long answers count. */
@Injectable()
export class Reads {
  private readonly turns: Turns;
  /** Why readers have no more reads for a while whose answers were long. Those that wait are not done. */
  private readonly spent = new Map<string, AppError>();

  constructor(
    private readonly limits: RateLimits,
    metrics: Metrics,
  ) {
    this.turns = new Turns(OF_ONE, () => metrics.refused.inc({ budget: 'reads at once' }));
  }

  /**
   * Over REST, of a read that has been counted: until the client has the answer.
   * @param reader a user's id, or the network of somebody who has not signed in
   * @throws AppError RATE_LIMIT, UNAVAILABLE when the client is gone
   */
  wait(reader: string, answer: ServerResponse): Promise<void> {
    return new Promise((resolve, reject) => {
      const untilAnswered = async () => {
        this.requireLeft(reader);
        if (answer.destroyed) throw unavailable('The client is gone');
        resolve();
        await once(answer, 'close');
        await this.charge(reader, answerLength(answer));
      };
      this.turns.run(reader, untilAnswered).catch(reject);
    });
  }

  /** By an event. @throws AppError RATE_LIMIT; what `read` throws */
  async run<T>(userId: string, read: () => Promise<T>): Promise<T> {
    await this.limits.take('read', userId);
    return this.turns.run(userId, async () => {
      this.requireLeft(userId);
      const answer = await read();
      await this.charge(userId, JSON.stringify(answer).length);
      return answer;
    });
  }

  /** @throws AppError RATE_LIMIT when long answers have used up the reader's reads */
  requireLeft(reader: string): void {
    const refusal = this.spent.get(reader);
    if (refusal) throw refusal;
  }

  /** @param length of an answer, characters */
  async charge(reader: string, length: number): Promise<void> {
    const more = Math.floor(length / CHARGED);
    if (more === 0) return;
    await this.limits.take('read', reader, more).catch((error: unknown) => {
      if (!(error instanceof AppError)) throw error;
      this.spent.set(reader, error);
      setTimeout(() => this.spent.delete(reader), error.retryAfterMs).unref();
    });
  }
}
