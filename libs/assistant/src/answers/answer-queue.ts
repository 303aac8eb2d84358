import { AppError } from '#contracts';
import { ASSISTANT, Counts, KeyedLimiter, KeyedQueue, Metrics, logger, unavailable } from '#platform';
import { Injectable } from '@nestjs/common';
import type { Question } from './answer-store.js';

const { answersOfOne: OF_ONE, answersOfAll: OF_ALL } = ASSISTANT;
/** The key of all users. */
const ALL = '';
/** By then an answer may have ended, ms. */
const RETRY_MS = 5000;

const limiter = ({ atOnce }: { atOnce: number }) =>
  new KeyedLimiter({ atOnce, waiting: Infinity }, () => undefined);

/** Answers of one chat run one after the other. A few of each user have a place at once, and a bounded number in all. */
@Injectable()
export class AnswerQueue {
  private readonly chats = new KeyedQueue();
  /** Questions that are asked, wait or are answered, of each user and in all. */
  private readonly counts = new Counts();
  private readonly perUser = limiter(OF_ONE.most);
  private readonly total = limiter(OF_ALL.most);

  constructor(private readonly metrics: Metrics) {}

  /**
   * Asks a question, and answers it when earlier answers of its chat have ended.
   * @returns when the question is asked
   * @throws AppError RATE_LIMIT (when too many answers of the user wait), UNAVAILABLE (when too many wait in all), or any
   *   error of `ask`
   */
  async add(
    userId: string,
    ask: () => Promise<Question>,
    answer: (question: Question) => Promise<void>,
  ): Promise<void> {
    const leave = this.enter(userId);
    try {
      const question = await ask();
      void this.chats
        .run(question.chatId, () => answer(question))
        .catch((err: unknown) => logger.error({ err, chat_id: question.chatId }, 'answer failed'))
        .finally(leave);
    } catch (error) {
      leave();
      throw error;
    }
  }

  /**
   * Runs work of an answer that needs a place. Until there is one, the answer holds nothing that another could need.
   * @throws the reason of `signal` (when it is aborted before that), or any error of `work`
   */
  inPlace(userId: string, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
    return this.perUser.run(userId, () => this.total.run(ALL, work, 1, signal), 1, signal);
  }

  /** Resolves when all answers have ended. */
  drain(): Promise<void> {
    return this.chats.idle();
  }

  /**
   * No user gets more places than are left for all others.
   * @returns a function that leaves again
   */
  private enter(userId: string): () => void {
    const count = this.counts.of(userId);
    if (count >= OF_ONE.most.atOnce + OF_ONE.most.waiting) {
      this.metrics.refuse(OF_ONE);
      throw new AppError('RATE_LIMIT', 'Too many questions wait for an answer', { retryAfterMs: RETRY_MS });
    }
    if (count >= OF_ALL.most.atOnce + OF_ALL.most.waiting - this.counts.of(ALL)) {
      this.metrics.refuse(OF_ALL);
      throw unavailable('Too many questions wait for an answer, try again');
    }
    for (const key of [userId, ALL]) this.counts.add(key, 1);
    return () => {
      for (const key of [userId, ALL]) this.counts.add(key, -1);
    };
  }
}
