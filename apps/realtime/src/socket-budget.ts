import { AppError } from '#contracts';
import type { SignedIn } from '#identity';
import { Counts, Metrics } from '#platform';
import { Injectable } from '@nestjs/common';

/** Sockets that this process holds for a session, such as a browser with all its tabs, and for a user. */
const PER_SESSION = 200;
const PER_USER = 300;
/** By then a connection that has broken off silently may have been noticed. */
const RETRY_MS = 5000;

type Holder = Pick<SignedIn, 'userId' | 'sessionId'>;

/** Counts the sockets of each session and user: those of all namespaces, and those of the assistant. */
@Injectable()
export class SocketBudget {
  /** By the ids of both, which are UUIDs. */
  private readonly counts = new Counts();

  constructor(private readonly metrics: Metrics) {}

  /** @throws AppError RATE_LIMIT when the holder has as many as it may have */
  requireRoom({ userId, sessionId }: Holder): void {
    if (this.counts.of(sessionId) < PER_SESSION && this.counts.of(userId) < PER_USER) return;
    this.metrics.refused.inc({ budget: 'sockets' });
    throw new AppError('RATE_LIMIT', 'Too many connections of this user', { retryAfterMs: RETRY_MS });
  }

  /** Each that enters leaves once, as the holder that it is by then. */
  enter(holder: Holder): void {
    this.count(holder, 1);
  }

  leave(holder: Holder): void {
    this.count(holder, -1);
  }

  private count({ userId, sessionId }: Holder, by: number): void {
    this.counts.add(userId, by);
    this.counts.add(sessionId, by);
  }
}
