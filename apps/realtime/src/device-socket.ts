import type { AppError } from '#contracts';
import type { SignedIn } from '#identity';
import type { DefaultEventsMap, Socket } from 'socket.io';

export interface DeviceData {
  /** Set by the handshake; a socket without it is refused. */
  user?: SignedIn;
  refusal?: AppError;
  /** Until it resolves the socket is not in its rooms yet, and its events wait. */
  opening?: Promise<void>;
  /** When it came to be in its rooms, in ms of `performance.now()`. */
  openedAt?: number;
}

export type DeviceSocket = Socket<DefaultEventsMap, DefaultEventsMap, DefaultEventsMap, DeviceData>;

/** The user of a socket whose events are handled: the handshake has let no other through. */
export const userOf = (socket: DeviceSocket): SignedIn => socket.data.user!;
