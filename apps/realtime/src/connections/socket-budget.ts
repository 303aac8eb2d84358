import { AppError } from '#contracts';
import type { SignedIn } from '#identity';
import { SOCKETS, Counts, Metrics } from '#platform';
import { Injectable } from '@nestjs/common';

/** Of a session, such as a browser with all its tabs, and of a user. */
const { ofSession: PER_SESSION, ofUser: PER_USER } = SOCKETS.ofHolder.most;
/** Rooms of chats, follows, friends and blocks. A user who is there has room for more before all sockets are closed. */
const { most: ROOMS_PER_USER } = SOCKETS.rooms;
/** By then a connection that has broken off silently may have been noticed. */
const RETRY_MS = 5000;

type Holder = Pick<SignedIn, 'userId' | 'sessionId'>;

/** Counts the sockets of each session and user: those of all namespaces, and those of the assistant. */
@Injectable()
export class SocketBudget {
  /** By the ids of both, which are UUIDs. */
  private readonly counts = new Counts();

  constructor(private readonly metrics: Metrics) {}

  /**
   * For one socket more, in so many rooms.
   * @throws AppError RATE_LIMIT when the holder has as many as it may have
   */
  requireRoom({ userId, sessionId }: Holder, rooms = 0): void {
    const sockets = this.counts.of(userId);
    if (this.counts.of(sessionId) >= PER_SESSION || sockets >= PER_USER) throw this.refusal();
    if ((sockets + 1) * rooms > ROOMS_PER_USER.enter) throw this.refusal();
  }

  /**
   * For one that has entered, and is in so many rooms by now.
   * @throws AppError RATE_LIMIT
   */
  requireStay({ userId }: Holder, rooms: number): void {
    if (this.counts.of(userId) * rooms > ROOMS_PER_USER.stay) throw this.refusal();
  }

  /**
   * For a socket of the user that watches so many people.
   * @throws AppError RATE_LIMIT
   */
  requireWatch({ userId }: Holder, watched: number): void {
    if (this.counts.of(userId) * watched > SOCKETS.watched.most) throw this.refusal();
  }

  /** Each that enters leaves once, as the holder that it is by then. */
  enter(holder: Holder): void {
    this.count(holder, 1);
  }

  leave(holder: Holder): void {
    this.count(holder, -1);
  }

  private refusal(): AppError {
    this.metrics.refuse(SOCKETS.ofHolder);
    return new AppError('RATE_LIMIT', 'Too many connections of this user', { retryAfterMs: RETRY_MS });
  }

  private count({ userId, sessionId }: Holder, by: number): void {
    this.counts.add(userId, by);
    this.counts.add(sessionId, by);
  }
}
