import type { AppError } from '#contracts';
import { invalidToken, type Claims, type Connected, type SignedIn } from '#identity';
import { Connection, type OutgoingEvent, type Protocol } from '#realtime';
import type { DefaultEventsMap, Socket } from 'socket.io';
import { clientOf } from '../transport/internals.js';
import type { SocketFrame } from '../transport/text-parser.js';
import type { LoadedSubscriptions } from '../delivery/subscription-loader.js';

export interface DeviceData {
  /** Set when the handshake has succeeded. */
  connection?: DeviceConnection;
  /** Set when it has failed, or when the device was signed out before it was accepted. */
  refusal?: AppError;
}

export type DeviceSocket = Socket<DefaultEventsMap, DefaultEventsMap, DefaultEventsMap, DeviceData>;

/** The wire format of a Socket.IO namespace: its events, and the first and last events of a device. */
export interface SocketProtocol extends Protocol<SocketFrame[]> {
  onAccepted(connection: DeviceConnection, reason: Connected['reason']): void;
  /** The device may have missed events. */
  onMissed(connection: DeviceConnection): void;
  onRejected(socket: DeviceSocket, error: AppError): void;
}

/** A device on Socket.IO, in any of the namespaces. */
export class DeviceConnection extends Connection<SocketFrame[]> {
  /** The name is missing until the handshake has succeeded. */
  user: SignedIn | Claims;
  /** From the handshake until the device is accepted. */
  opening?: { reason: Connected['reason']; subscriptions: LoadedSubscriptions };
  /** The joined chats of a device with `auth: { scope: "joined" }`; other devices receive the events of every chat. */
  joined?: Set<string>;
  /** Whether a device of this scope receives the event. */
  accepts?: (event: OutgoingEvent) => boolean;

  constructor(
    readonly socket: DeviceSocket,
    readonly protocol: SocketProtocol,
    claims: Claims,
  ) {
    super();
    this.user = claims;
  }

  get id(): string {
    return this.socket.id;
  }

  get userId(): string {
    return this.user.userId;
  }

  get sessionId(): string {
    return this.user.sessionId;
  }

  send(frames: SocketFrame[], event: OutgoingEvent): void {
    if (this.accepts && !this.accepts(event)) return;
    const client = clientOf(this.socket);
    for (const { packets, options } of frames) client.writeToEngine(packets, options);
  }

  signOut(reason: 'session_revoked' | 'account_banned'): void {
    if (this.activeSince === undefined) this.socket.data.refusal = invalidToken(reason);
    else this.socket.disconnect();
  }
}

/** The user of a socket whose events are handled: the handshake accepts no other sockets. */
export const userOf = (socket: DeviceSocket): SignedIn => socket.data.connection!.user as SignedIn;
