import type { AppError } from '#contracts';
import type { Connected, SignedIn } from '#identity';
import type { DefaultEventsMap, Socket } from 'socket.io';
import type { BroadcastOptions } from 'socket.io-adapter';

/** Where a device belongs, and when the database was asked, in ms of `performance.now()`. */
export interface SubscriptionSnapshot {
  rooms: string[];
  /** Rooms of direct chats that the other side has not been shown yet: they hear no presence of this user. */
  unseen: string[];
  at: number;
}

/** An event as devices are told it: in a frame that all share, whose it is, and when, in ms of `performance.now()`. */
export interface Delivery {
  write(socket: DeviceSocket): void;
  options: BroadcastOptions;
  at: number;
}

/**
 * What is not known of a device: since when of each room, in ms of `performance.now()`, what may be the device's, and the
 * rooms of what was too much to be held.
 */
export interface PendingSubscriptions {
  since: Map<string, number>;
  buffered: Delivery[];
  overflowed: Set<string>;
}

export interface DeviceData {
  /** Set by the handshake; a socket without it is refused. */
  user?: SignedIn;
  refusal?: AppError;
  /** What the handshake found, until the device is let in. */
  arrival?: { reason: Connected['reason']; found: SubscriptionSnapshot };
  /** Until it resolves it is looked up once more where the socket belongs, and its events wait. */
  opening?: Promise<void>;
  /** Where it may be, while that is looked up. */
  pending?: PendingSubscriptions;
  /** Which chats a device of `auth: { scope: "joined" }` has joined; all others hear every chat. */
  joined?: Set<string>;
  /** Resolves when the last `auth:refresh` so far is over. */
  refreshed?: Promise<unknown>;
  /** When it came to be in its rooms, in ms of `performance.now()`. */
  openedAt?: number;
}

export type DeviceSocket = Socket<DefaultEventsMap, DefaultEventsMap, DefaultEventsMap, DeviceData>;

/** The user of a socket whose events are handled: the handshake has let no other through. */
export const userOf = (socket: DeviceSocket): SignedIn => socket.data.user!;
