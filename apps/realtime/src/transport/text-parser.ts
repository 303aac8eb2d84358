import { AppError } from '#contracts';
import { invalidToken } from '#identity';
import { SOCKETS, parsedSize, type EventPacket } from '#platform';
import { Decoder, Encoder, PacketType, isPacketValid, protocol, type Packet } from 'socket.io-parser';

/** Contract, "Errors": a larger payload is MESSAGE_TOO_LARGE. */
const MAX_PACKET_BYTES = SOCKETS.packet.most.read;
/** In a second: one request of polling may hold a million, all read in one go. */
const { most: MAX_PACKETS } = SOCKETS.packets;
/** Each time a token is checked. */
const { most: MAX_CONNECTS } = SOCKETS.connects;
/** A namespace, without the query that clients of Engine.IO 3 write behind it. */
const CONNECT_HEAD = /^0(\/[^,?]{0,200})?/;
/** An event, also one with attachments, which are not read. */
const EVENT = /^(?:2|5\d{0,10}-)/;
/** A namespace, an acknowledgement's id, and the event's name if it is plain: all that is known of what is not read. */
const EVENT_HEAD = /^(?:2|5\d{0,10}-)(?:(\/[^,]{0,200}),)?(\d{1,10})?(?:\["([^"\\]{1,100})")?/;

/** Bytes that long events take, by the array that Socket.IO passes on. */
const sizes = new WeakMap<object, number>();
const LONG = 1024;

/** Bytes that an event takes, on the wire or parsed, if it is long; otherwise 0. */
export const sizeOf = (args: unknown[]): number => sizes.get(args) ?? 0;

/** Stands in the place of a payload that was not read. */
export class UnparsedPayload {
  constructor(readonly error: AppError) {}
}

const tooLarge = () => new AppError('MESSAGE_TOO_LARGE', 'A payload may have 64 KiB at most');

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

/** Has an event that is too large, broken or binary answered instead of parsing it: it does not end the connection. */
class LimitedDecoder extends Decoder {
  private since = 0;
  private count = 0;
  private connects = 0;
  /** Bytes of the packet that it decodes: on the wire, or parsed if that is more. */
  size = 0;

  constructor(...reviver: ConstructorParameters<typeof Decoder>) {
    super(...reviver);
    // Before Socket.IO's own listener.
    this.on('decoded', rememberSize);
  }

  /** @throws what ends the connection */
  override add(chunk: unknown): void {
    this.countOne();
    // Attachments: of an event they have been refused with it, and acknowledgements we ask for none.
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
      // No JSON, or one of the names that Socket.IO keeps for itself.
      this.refuse(chunk, new AppError('INVALID_DATA', 'Event cannot be read'));
    }
  }

  /** @returns why it is not read */
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

  private countOne(): void {
    const now = performance.now();
    if (now - this.since >= 1000) [this.since, this.count] = [now, 0];
    if (++this.count > MAX_PACKETS) throw new Error('too many packets');
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

/** Nothing we send is binary, so no payload is searched for it. An event whose data is text has been encoded already. */
class TextEncoder extends Encoder {
  override encode({ type, nsp, id, data, each }: Packet & Pick<EventPacket, 'each'>): string[] {
    const head = `${type}${nsp && nsp !== '/' ? `${nsp},` : ''}${id ?? ''}`;
    if (each) return each.map((payload) => `${head}${JSON.stringify([data[0], payload])}`);
    if (data == null) return [head];
    const isEncoded = type === PacketType.EVENT && typeof data === 'string';
    return [head + (isEncoded ? data : JSON.stringify(data))];
  }
}

/** Socket.IO's own wire format, by a parser that knows what we send and how much we take. */
export const textParser = {
  protocol,
  PacketType,
  isPacketValid,
  Encoder: TextEncoder,
  Decoder: LimitedDecoder,
};
