import type { AppError } from '#contracts';
import type { Connected, SignedIn } from '#identity';
import type { DefaultEventsMap, Socket } from 'socket.io';

/** Where a device belongs, and how often somebody had been moved before it was looked up. */
export interface LookUp {
  rooms: string[];
  moves: number;
}

export interface DeviceData {
  /** Set by the handshake; a socket without it is refused. */
  user?: SignedIn;
  refusal?: AppError;
  /** What the handshake found, until the device is let in. */
  arrival?: { reason: Connected['reason']; found: LookUp };
  /** Until it resolves it is looked up once more where the socket belongs, and its events wait. */
  opening?: Promise<void>;
  /** Resolves when the last `auth:refresh` so far is over. */
  refreshed?: Promise<unknown>;
  /** When it came to be in its rooms, in ms of `performance.now()`. */
  openedAt?: number;
}

export type DeviceSocket = Socket<DefaultEventsMap, DefaultEventsMap, DefaultEventsMap, DeviceData>;

/** The user of a socket whose events are handled: the handshake has let no other through. */
export const userOf = (socket: DeviceSocket): SignedIn => socket.data.user!;
