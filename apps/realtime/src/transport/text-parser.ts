import { AppError } from '#contracts';
import { invalidToken } from '#identity';
import { SOCKETS, parsedSize } from '#platform';
import type { Namespace } from 'socket.io';
import { Decoder, Encoder, PacketType, isPacketValid, protocol, type Packet } from 'socket.io-parser';
import { encodingOf } from './internals.js';

/** A larger payload is refused with MESSAGE_TOO_LARGE. */
const MAX_PACKET_BYTES = SOCKETS.packet.most.read;
/** A token is checked for each of them. */
const { most: MAX_CONNECTS } = SOCKETS.connects;
/** A namespace, without the query that clients of Engine.IO 3 append. */
const CONNECT_HEAD = /^0(\/[^,?]{0,200})?/;
/** An event, or one with attachments, which are not read. */
const EVENT = /^(?:2|5\d{0,10}-)/;
/** A namespace, an acknowledgement id, and the event's name if it is plain: the known parts of an unread event. */
const EVENT_HEAD = /^(?:2|5\d{0,10}-)(?:(\/[^,]{0,200}),)?(\d{1,10})?(?:\["([^"\\]{1,100})")?/;

/** The size of long events, by the array that Socket.IO passes on. */
const sizes = new WeakMap<object, number>();
const LONG = 1024;

/** The size of a long event in bytes, on the wire or parsed; otherwise 0. */
export const sizeOf = (args: unknown[]): number => sizes.get(args) ?? 0;

/** Replaces a payload that was not read. */
export class UnparsedPayload {
  constructor(readonly error: AppError) {}
}

const tooLarge = () => new AppError('MESSAGE_TOO_LARGE', 'Payload exceeds 64 KiB');

/** One function for all connections. */
function rememberSize(this: LimitedDecoder, packet: Packet): void {
  const { type, data } = packet as { type: PacketType; data: unknown };
  if (this.size >= LONG && Array.isArray(data)) sizes.set(data, this.size);
  // Socket.IO keeps it as long as the socket.
  if (type === PacketType.CONNECT && typeof data === 'object' && data !== null) packet.data = authOf(data);
}

interface Auth {
  token?: unknown;
  scope?: unknown;
}

/** Other fields are not used. */
const authOf = ({ token, scope }: Auth): Auth => ({ token, ...(scope === 'joined' && { scope }) });

/** An event that is too large, invalid or binary is answered instead of parsed: it does not close the connection. */
class LimitedDecoder extends Decoder {
  private connects = 0;
  /** Bytes of the packet being decoded: on the wire, or parsed if that is more. */
  size = 0;

  constructor(...reviver: ConstructorParameters<typeof Decoder>) {
    super(...reviver);
    // Before Socket.IO's own listener.
    this.on('decoded', rememberSize);
  }

  /** @throws Error (closes the connection) */
  override add(chunk: unknown): void {
    // Attachments of events were refused with their events, and we request no acknowledgements with attachments.
    if (typeof chunk !== 'string' || chunk.startsWith(String(PacketType.BINARY_ACK))) return;
    const refusal = this.weigh(chunk);
    if (!EVENT.test(chunk)) {
      const isConnect = chunk.startsWith(String(PacketType.CONNECT));
      if (isConnect && ++this.connects > MAX_CONNECTS) throw new Error('too many connects');
      if (!refusal) return super.add(chunk);
      if (!isConnect) throw refusal;
      return this.refuseConnect(chunk, refusal.code === 'MESSAGE_TOO_LARGE' ? refusal : invalidToken());
    }
    if (refusal) return this.refuse(chunk, refusal);
    if (!chunk.startsWith(String(PacketType.EVENT)))
      return this.refuse(chunk, new AppError('INVALID_DATA', 'Payload must be plain JSON'));
    try {
      super.add(chunk);
    } catch {
      // Invalid JSON, or an event name reserved by Socket.IO.
      this.refuse(chunk, new AppError('INVALID_DATA', 'Event is malformed'));
    }
  }

  /** @returns the reason to refuse it */
  private weigh(chunk: string): AppError | undefined {
    this.size = Buffer.byteLength(chunk);
    if (this.size > MAX_PACKET_BYTES) return tooLarge();
    try {
      this.size = Math.max(this.size, parsedSize(chunk));
      return undefined;
    } catch (refusal) {
      return refusal as AppError;
    }
  }

  private refuseConnect(chunk: string, refusal: AppError): void {
    const [, nsp = '/'] = CONNECT_HEAD.exec(chunk)!;
    this.emitReserved('decoded', {
      type: PacketType.CONNECT,
      nsp,
      data: { token: new UnparsedPayload(refusal) },
    });
  }

  private refuse(chunk: string, error: AppError): void {
    const [, nsp = '/', id, event = 'unknown'] = EVENT_HEAD.exec(chunk) ?? [];
    this.emitReserved('decoded', {
      type: PacketType.EVENT,
      nsp,
      id: id === undefined ? undefined : Number(id),
      data: [event, new UnparsedPayload(error)],
    });
  }
}

/** We send no binary data, so payloads are not searched for it. An event with text data is already encoded. */
class TextEncoder extends Encoder {
  override encode({ type, nsp, id, data, each }: Packet & { each?: object[] }): string[] {
    const head = `${type}${nsp && nsp !== '/' ? `${nsp},` : ''}${id ?? ''}`;
    if (each) return each.map((payload) => `${head}${JSON.stringify([data[0], payload])}`);
    if (data == null) return [head];
    const isEncoded = type === PacketType.EVENT && typeof data === 'string';
    return [head + (isEncoded ? data : JSON.stringify(data))];
  }
}

/** Socket.IO's own wire format, with a parser for our events and limits. */
export const textParser = {
  protocol,
  PacketType,
  isPacketValid,
  Encoder: TextEncoder,
  Decoder: LimitedDecoder,
};

/** Encoded packets, and options that contain their WebSocket frame. */
export interface SocketFrame {
  packets: string[];
  options: object;
}

/**
 * Encodes an event for all devices of a namespace.
 * @param data the event's name and payload, or their JSON; the name alone with `each` payload
 */
export function frameOf(
  namespace: Namespace,
  data: [name: string, payload?: unknown] | string,
  each?: object[],
): SocketFrame {
  const options = { preEncoded: true };
  const packet = { type: PacketType.EVENT, nsp: namespace.name, data, each };
  return { packets: encodingOf(namespace.adapter)._encode(packet, options), options };
}
