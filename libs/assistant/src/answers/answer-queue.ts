import { AppError } from '#contracts';
import { ASSISTANT, Counts, KeyedLimiter, Metrics, unavailable } from '#platform';
import { Injectable } from '@nestjs/common';
import type { Question } from './answer-store.js';

const { answersOfOne: OF_ONE, answersOfAll: OF_ALL } = ASSISTANT;
/** The key of all users. */
const ALL = '';
/** By then an answer may have ended, ms. */
const RETRY_MS = 5000;

const limiter = ({ atOnce }: { atOnce: number }) =>
  new KeyedLimiter({ atOnce, waiting: Infinity }, () => undefined);

/** Answers of one chat run one after the other. A few of each user run at once, and a bounded number in all. */
@Injectable()
export class AnswerQueue {
  /** The last answer of each chat. */
  private readonly chats = new Map<string, Promise<void>>();
  /** Answers that run or wait, of each user and in all. */
  private readonly counts = new Counts();
  private readonly perUser = limiter(OF_ONE.most);
  private readonly total = limiter(OF_ALL.most);

  constructor(private readonly metrics: Metrics) {}

  /**
   * No user gets more places than are left for all others.
   * @throws AppError RATE_LIMIT (when too many answers of the user wait), UNAVAILABLE (when too many wait in all)
   */
  requireRoom(userId: string): void {
    const count = this.counts.of(userId);
    if (count >= OF_ONE.most.atOnce + OF_ONE.most.waiting) {
      this.metrics.refuse(OF_ONE);
      throw new AppError('RATE_LIMIT', 'Too many questions wait for an answer', { retryAfterMs: RETRY_MS });
    }
    if (count >= OF_ALL.most.atOnce + OF_ALL.most.waiting - this.counts.of(ALL)) {
      this.metrics.refuse(OF_ALL);
      throw unavailable('Too many questions wait for an answer, try again');
    }
  }

  /**
   * An answer waits for its chat first and holds nothing meanwhile. So answers of one chat cannot block those of others.
   * @returns what `answer` returns
   */
  async add({ chatId, userId }: Question, answer: () => Promise<void>): Promise<void> {
    for (const key of [userId, ALL]) this.counts.add(key, 1);
    const before = this.chats.get(chatId) ?? Promise.resolve();
    const added = before.then(() => this.perUser.run(userId, () => this.total.run(ALL, answer)));
    // The next answer of the chat does not depend on this one's success.
    const ended = added.then(
      () => undefined,
      () => undefined,
    );
    this.chats.set(chatId, ended);
    try {
      await added;
    } finally {
      for (const key of [userId, ALL]) this.counts.add(key, -1);
      if (this.chats.get(chatId) === ended) this.chats.delete(chatId);
    }
  }

  /** Resolves when all answers have ended. */
  async drain(): Promise<void> {
    await Promise.all(this.chats.values());
  }
}
