import type { SeenSnapshots } from './subscription-changes.js';
import type { OutgoingEvent } from './outgoing-event.js';
import type { Topic } from '../topics.js';

/** A wire format. */
export interface Protocol<F = unknown> {
  /**
   * Encodes an event once for all connections of the protocol that receive the same form of it.
   * @returns undefined if the protocol has no such event
   */
  encode(event: OutgoingEvent, isOwn: boolean): F | undefined;
}

/** The connections that are subscribed to a topic. */
export interface Subscribers extends Topic {
  readonly connections: Set<Connection>;
}

/** A connection of a signed-in user's device. The hub changes its subscriptions. */
export abstract class Connection<F = unknown> {
  readonly subscriptions = new Set<Subscribers>();
  /** The database snapshots of its subscriptions; undefined until the connection is active. */
  seen?: SeenSnapshots;
  /** The number of times that its subscriptions had to be read again: earlier reads are outdated. */
  invalidations = 0;
  /** As many were known when the read began that it was activated with. */
  readAfter?: number;
  /** When it became active, in ms of `performance.now()`. */
  activeSince?: number;

  abstract readonly id: string;
  abstract readonly userId: string;
  abstract readonly sessionId: string;
  abstract readonly protocol: Protocol<F>;

  abstract send(frame: F, event: OutgoingEvent): void;
  /** The session has ended, or the user is banned. The connection may be inactive. */
  abstract signOut(reason: 'session_revoked' | 'account_banned'): void;
}
