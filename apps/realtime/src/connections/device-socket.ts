import type { AppError } from '#contracts';
import type { Connected, SignedIn } from '#identity';
import type { DefaultEventsMap, Socket } from 'socket.io';
import type { BroadcastOptions } from 'socket.io-adapter';

/** The subscriptions of a device, and when the database was read, in ms of `performance.now()`. */
export interface SubscriptionSnapshot {
  rooms: string[];
  /**
   * Rooms of direct chats that have not been shown to the other member: they do not receive this user's online state.
   */
  unseen: Set<string>;
  at: number;
}

/** An event for devices: a shared frame, its rooms, and its time in ms of `performance.now()`. */
export interface Delivery {
  write(socket: DeviceSocket): void;
  options: BroadcastOptions;
  at: number;
}

/**
 * The pending subscriptions of a device: since when each room is pending, in ms of `performance.now()`, the buffered
 * events, and the rooms whose events exceeded the buffer.
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
  /** The result of the handshake, until the device is accepted. */
  arrival?: { reason: Connected['reason']; found: SubscriptionSnapshot };
  /** Until it resolves, the subscriptions are loaded once more, and the device's events wait. */
  opening?: Promise<void>;
  /** The subscriptions that are being loaded again. */
  pending?: PendingSubscriptions;
  /** The joined chats of a device with `auth: { scope: "joined" }`; other devices receive the events of every chat. */
  joined?: Set<string>;
  /** Resolves when the latest `auth:refresh` has been handled. */
  refreshed?: Promise<unknown>;
  /** When the device entered its rooms, in ms of `performance.now()`. */
  openedAt?: number;
}

export type DeviceSocket = Socket<DefaultEventsMap, DefaultEventsMap, DefaultEventsMap, DeviceData>;

/** The user of a socket whose events are handled: the handshake accepts no other sockets. */
export const userOf = (socket: DeviceSocket): SignedIn => socket.data.user!;
