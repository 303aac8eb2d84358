import { AppError } from '#contracts';
import { SOCKETS, type EventPacket } from '#platform';
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

/** Bytes of long events, by the array that Socket.IO passes on. */
const sizes = new WeakMap<object, number>();
const LONG = 1024;

/** Bytes of an event on the wire, if it is long; otherwise 0. */
export const sizeOf = (args: unknown[]): number => sizes.get(args) ?? 0;

/** Stands in the place of a payload that was not read. */
export class Unread {
  constructor(readonly error: AppError) {}
}

const tooLarge = () => new AppError('MESSAGE_TOO_LARGE', 'A payload may have 64 KiB at most');

/** One function for all connections. */
function noteSize(this: LimitedDecoder, { data }: Packet): void {
  if (this.size >= LONG && Array.isArray(data)) sizes.set(data, this.size);
}

/** Has an event that is too large, broken or binary answered instead of parsing it: it does not end the connection. */
class LimitedDecoder extends Decoder {
  private since = 0;
  private count = 0;
  private connects = 0;
  /** Bytes of the packet that it decodes. */
  size = 0;

  constructor(...reviver: ConstructorParameters<typeof Decoder>) {
    super(...reviver);
    // Before Socket.IO's own listener.
    this.on('decoded', noteSize);
  }

  /** @throws what ends the connection */
  override add(chunk: unknown): void {
    this.countOne();
    // Attachments: of an event they have been refused with it, and acknowledgements we ask for none.
    if (typeof chunk !== 'string' || chunk.startsWith(String(PacketType.BINARY_ACK))) return;
    this.size = Buffer.byteLength(chunk);
    const isTooLarge = this.size > MAX_PACKET_BYTES;
    if (!EVENT.test(chunk)) {
      const isConnect = chunk.startsWith(String(PacketType.CONNECT));
      if (isConnect && ++this.connects > MAX_CONNECTS) throw new Error('too many connects');
      if (!isTooLarge) return super.add(chunk);
      if (!isConnect) throw new Error('packet too large');
      return this.refuseConnect(chunk);
    }
    if (isTooLarge) return this.refuse(chunk, tooLarge());
    if (!chunk.startsWith(String(PacketType.EVENT)))
      return this.refuse(chunk, new AppError('INVALID_DATA', 'Payload must be plain JSON'));
    try {
      super.add(chunk);
    } catch {
      // No JSON, or one of the names that Socket.IO keeps for itself.
      this.refuse(chunk, new AppError('INVALID_DATA', 'Event cannot be read'));
    }
  }

  private countOne(): void {
    const now = performance.now();
    if (now - this.since >= 1000) [this.since, this.count] = [now, 0];
    if (++this.count > MAX_PACKETS) throw new Error('too many packets');
  }

  private refuseConnect(chunk: string): void {
    const [, nsp = '/'] = CONNECT_HEAD.exec(chunk)!;
    this.emitReserved('decoded', {
      type: PacketType.CONNECT,
      nsp,
      data: { token: new Unread(tooLarge()) },
    });
  }

  private refuse(chunk: string, error: AppError): void {
    const [, nsp = '/', id, event = 'unknown'] = EVENT_HEAD.exec(chunk) ?? [];
    this.emitReserved('decoded', {
      type: PacketType.EVENT,
      nsp,
      id: id === undefined ? undefined : Number(id),
      data: [event, new Unread(error)],
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
