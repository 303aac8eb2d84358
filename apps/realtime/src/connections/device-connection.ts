import type { AppError, PayloadOf, ServerEvent } from '#contracts';
import { invalidToken, type Claims, type Connected, type SignedIn } from '#identity';
import { Connection, type OutgoingEvent, type Protocol } from '#realtime';
import type { DefaultEventsMap, Namespace, Socket } from 'socket.io';
import { clientOf } from '../transport/internals.js';
import { frameOf, type SocketFrame } from '../transport/text-parser.js';
import type { LoadedSubscriptions } from '../delivery/subscription-loader.js';

interface DeviceData {
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

/** The protocol of namespace `/`: our events as they are. */
export class V2Protocol implements SocketProtocol {
  /** The last event's JSON: devices with own fields share it with all others. */
  private last?: { event: OutgoingEvent; json: string };

  constructor(private readonly namespace: Namespace) {}

  encode(event: OutgoingEvent, isOwn: boolean): SocketFrame[] | undefined {
    const { name, payload, payloads, own } = event;
    if (name === 'chat:opened' || name === 'assistant') return undefined;
    if (payloads) return [frameOf(this.namespace, [name], payloads)];
    if (!own) return [frameOf(this.namespace, [name, payload])];
    const json = this.last?.event === event ? this.last.json : JSON.stringify([name, payload]);
    this.last = { event, json };
    const fields = JSON.stringify(own.fields).slice(1);
    return [frameOf(this.namespace, isOwn ? `${json.slice(0, -2)},${fields}]` : json)];
  }

  onAccepted({ socket }: DeviceConnection, reason: Connected['reason']): void {
    const about = aboutNow(socket);
    emit(socket, 'connected', { socket_id: socket.id, ...about });
    emit(socket, 'sync:required', { ...about, reason });
  }

  onMissed({ socket }: DeviceConnection): void {
    emit(socket, 'sync:required', { ...aboutNow(socket), reason: 'reconnection' });
  }

  onRejected(socket: DeviceSocket, error: AppError): void {
    emit(socket, 'error', error.toBody());
  }
}

const aboutNow = (socket: DeviceSocket) => ({
  user_id: userOf(socket).userId,
  timestamp: new Date().toISOString(),
});

const emit = <E extends ServerEvent>(socket: DeviceSocket, event: E, payload: PayloadOf<E>) =>
  socket.emit(event, payload);
