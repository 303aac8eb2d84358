import type { AppError, PayloadOf, ServerEvent } from '#contracts';
import type { Connected } from '#identity';
import type { OutgoingEvent } from '#realtime';
import type { Namespace } from 'socket.io';
import {
  userOf,
  type DeviceConnection,
  type DeviceSocket,
  type SocketProtocol,
} from '../connections/device-connection.js';
import { frameOf, type SocketFrame } from './text-parser.js';

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
