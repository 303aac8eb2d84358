import type { Namespace } from 'socket.io';
import { PacketType } from 'socket.io-parser';

/** Encoded packets, and options that contain their WebSocket frame. */
export interface SocketFrame {
  packets: string[];
  options: object;
}

/** A member of Socket.IO's adapter that is missing in its types. It also creates the WebSocket frame, once for all. */
interface Encoding {
  _encode(packet: object, options: object): string[];
}

/** @param data the event's name and payload, or their JSON; the name alone with `each` payload */
export function frameOf(
  namespace: Namespace,
  data: [name: string, payload?: unknown] | string,
  each?: object[],
): SocketFrame {
  const options = { preEncoded: true };
  const packet = { type: PacketType.EVENT, nsp: namespace.name, data, each };
  return { packets: (namespace.adapter as unknown as Encoding)._encode(packet, options), options };
}
