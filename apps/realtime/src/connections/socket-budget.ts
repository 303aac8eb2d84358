import { AppError } from '#contracts';
import type { SignedIn } from '#identity';
import { SOCKETS, Counts, Metrics } from '#platform';
import { Injectable } from '@nestjs/common';

/** Limits per session, such as a browser with all its tabs, and per user. */
const { ofSession: PER_SESSION, ofUser: PER_USER } = SOCKETS.ofHolder.most;
/** To chats, follows, friends and blocks. A connected user may have more before all sockets are closed. */
const { most: SUBSCRIPTIONS_PER_USER } = SOCKETS.subscriptions;
/** By then, a connection lost silently may have been detected. */
const RETRY_MS = 5000;

type Holder = Pick<SignedIn, 'userId' | 'sessionId'>;

/** Counts the sockets of each session and user: in all namespaces, and of the assistant. */
@Injectable()
export class SocketBudget {
  /** By the ids of both, which are UUIDs. */
  private readonly counts = new Counts();

  constructor(private readonly metrics: Metrics) {}

  /**
   * Checks the budget for one more socket, with so many subscriptions.
   * @throws AppError RATE_LIMIT (when the holder has reached its limit)
   */
  requireRoom({ userId, sessionId }: Holder, subscriptions = 0): void {
    const sockets = this.counts.of(userId);
    if (this.counts.of(sessionId) >= PER_SESSION || sockets >= PER_USER) throw this.refusal();
    if ((sockets + 1) * subscriptions > SUBSCRIPTIONS_PER_USER.enter) throw this.refusal();
  }

  /**
   * Checks the budget for a connected socket that now has so many subscriptions.
   * @throws AppError RATE_LIMIT
   */
  requireStay({ userId }: Holder, subscriptions: number): void {
    if (this.counts.of(userId) * subscriptions > SUBSCRIPTIONS_PER_USER.stay) throw this.refusal();
  }

  /**
   * Checks the budget for a socket that watches so many users.
   * @throws AppError RATE_LIMIT
   */
  requireWatch({ userId }: Holder, watched: number): void {
    if (this.counts.of(userId) * watched > SOCKETS.watched.most) throw this.refusal();
  }

  /** Each holder that enters must leave once, as the holder it is then. */
  enter(holder: Holder): void {
    this.count(holder, 1);
  }

  leave(holder: Holder): void {
    this.count(holder, -1);
  }

  private refusal(): AppError {
    this.metrics.refuse(SOCKETS.ofHolder);
    return new AppError('RATE_LIMIT', 'Too many connections for this user', { retryAfterMs: RETRY_MS });
  }

  private count({ userId, sessionId }: Holder, by: number): void {
    this.counts.add(userId, by);
    this.counts.add(sessionId, by);
  }
}
