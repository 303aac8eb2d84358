import type { EventPacket } from '#platform';
import { Decoder, Encoder, PacketType, isPacketValid, protocol, type Packet } from 'socket.io-parser';

/** Contract, "Errors": a larger payload is MESSAGE_TOO_LARGE. */
const MAX_PACKET_BYTES = 64 * 1024;
const EVENT = String(PacketType.EVENT);
/** A namespace, an acknowledgement's id, and the event's name if it is plain: all that is read of a packet too large. */
const EVENT_HEAD = /^2(?:(\/[^,]{0,200}),)?(\d{1,10})?(?:\["([^"\\]{1,100})")?/;
/** Names that Socket.IO ends a connection for; here they are unknown events. */
const RESERVED =
  /^2(?:\/[^,]{0,200},)?\d{0,10}\s{0,10}\[\s{0,10}"(?:connect|connect_error|disconnect|disconnecting|newListener|removeListener)"/;

/** Stands in the place of a payload that was not read. */
export const TOO_LARGE_PAYLOAD = Symbol('payload too large');

/** Answers an oversize or impossible event instead of parsing it. */
class LimitedDecoder extends Decoder {
  override add(chunk: unknown): void {
    if (typeof chunk !== 'string' || !chunk.startsWith(EVENT)) return super.add(chunk);
    const isTooLarge = Buffer.byteLength(chunk) > MAX_PACKET_BYTES;
    if (!isTooLarge && !RESERVED.test(chunk)) return super.add(chunk);
    const [, nsp = '/', id, event = 'unknown'] = EVENT_HEAD.exec(chunk) ?? [];
    this.emitReserved('decoded', {
      type: PacketType.EVENT,
      nsp,
      id: id === undefined ? undefined : Number(id),
      data: [event, isTooLarge ? TOO_LARGE_PAYLOAD : {}],
    });
  }
}

/** Nothing we send is binary, so no payload is searched for it. Data that is text has been encoded already. */
class TextEncoder extends Encoder {
  override encode({ type, nsp, id, data, each }: Packet & Pick<EventPacket, 'each'>): string[] {
    const head = `${type}${nsp && nsp !== '/' ? `${nsp},` : ''}${id ?? ''}`;
    if (each) return each.map((payload) => `${head}${JSON.stringify([data[0], payload])}`);
    return [`${head}${data == null ? '' : typeof data === 'string' ? data : JSON.stringify(data)}`];
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
