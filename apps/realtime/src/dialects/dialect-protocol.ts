import type { AppError } from '#contracts';
import type { OutgoingEvent as HubEvent } from '#realtime';
import type { Namespace } from 'socket.io';
import {
  userOf,
  type DeviceConnection,
  type DeviceSocket,
  type SocketProtocol,
} from '../connections/device-connection.js';
import { frameOf, type SocketFrame } from '../transport/text-parser.js';
import type { Dialect, OutgoingEvent } from './dialect.js';
import { errorEvent } from './dialect-errors.js';

type Rule = (payload: unknown) => OutgoingEvent[];

/** Sends our events to the devices of a namespace in their own dialect. */
export class DialectProtocol implements SocketProtocol {
  /** @param isScoped whether its devices have `auth: { scope: "joined" }` */
  constructor(
    private readonly namespace: Namespace,
    private readonly dialect: Dialect,
    private readonly isScoped: boolean,
  ) {}

  encode({ name, payload, payloads }: HubEvent): SocketFrame[] | undefined {
    // No dialect has this event: it is only for devices of scope `joined`.
    if (name === 'chat:updated' && !this.isScoped) return undefined;
    const rule = (this.dialect.server as Record<string, Rule | undefined>)[name];
    const translated = rule ? (payloads ?? [payload]).flatMap((one) => rule(one)) : [];
    return translated.length > 0 ? translated.map((event) => frameOf(this.namespace, event)) : undefined;
  }

  onAccepted({ socket }: DeviceConnection): void {
    for (const [event, payload] of this.dialect.welcome(userOf(socket).userId)) socket.emit(event, payload);
  }

  /** No dialect has such an event, but all their clients load missed messages when they reconnect. */
  onMissed({ socket }: DeviceConnection): void {
    if (this.dialect.returnsWhenDisconnected) socket.disconnect();
    else socket.conn.close();
  }

  onRejected(socket: DeviceSocket, error: AppError): void {
    socket.emit('error', errorEvent(this.dialect, error));
  }
}
