import { Decoder, Encoder, PacketType, isPacketValid, protocol, type Packet } from 'socket.io-parser';

/** Contract, "Errors": a larger payload is MESSAGE_TOO_LARGE. */
const MAX_PACKET_BYTES = 64 * 1024;
/** `2`, a namespace, an acknowledgement's id, and the event's name: all that is read of a packet too large. */
const EVENT_HEAD = /^2(?:(\/[^,]{0,200}),)?(\d{1,10})?\["([^"\\]{1,100})"/;

/** Stands in the place of a payload that was not read. */
export const TOO_LARGE_PAYLOAD = Symbol('payload too large');

/** Answers an oversize event instead of parsing it. */
class LimitedDecoder extends Decoder {
  override add(chunk: unknown): void {
    if (typeof chunk !== 'string' || Buffer.byteLength(chunk) <= MAX_PACKET_BYTES) return super.add(chunk);
    const head = EVENT_HEAD.exec(chunk);
    if (!head) return super.add(chunk);
    const [, nsp = '/', id, event] = head;
    this.emitReserved('decoded', {
      type: PacketType.EVENT,
      nsp,
      id: id === undefined ? undefined : Number(id),
      data: [event, TOO_LARGE_PAYLOAD],
    });
  }
}

/** Nothing we send is binary, so no payload is searched for it. */
class TextEncoder extends Encoder {
  override encode({ type, nsp, id, data }: Packet): string[] {
    const namespace = nsp && nsp !== '/' ? `${nsp},` : '';
    return [`${type}${namespace}${id ?? ''}${data == null ? '' : JSON.stringify(data)}`];
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
