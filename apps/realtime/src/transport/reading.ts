import { SOCKETS, type Unfinished } from '#platform';
import type { IncomingMessage } from 'node:http';
import type { Socket as TcpSocket } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocket, WebSocketServer, type ServerOptions } from 'ws';

/** A client that has more than this to read gets no answers to its pings. Bytes. */
const { most: MAX_BEFORE_PONG } = SOCKETS.pongs;
/** From one look to the next a client takes so much at least, or all there is. Bytes. */
export const READ_AT_LEAST = SOCKETS.reading.most;

/** A client that pings and does not read would fill the memory with the answers. */
class PingedSocket extends WebSocket {
  override pong(data?: unknown, mask?: boolean, sent?: (error: Error) => void): void {
    if (this.bufferedAmount <= MAX_BEFORE_PONG) super.pong(data, mask, sent);
  }
}

/** A client that sends so much at once, bytes, is read on after all others. Node.js would read 2 MiB of it before them. */
const { most: MUCH } = SOCKETS.readAtOnce;

/** The part of a ws receiver that its types leave out: it keeps pieces here until a message is whole. */
interface Receiver {
  _buffers: Buffer[];
  /** Another one for each message. */
  _fragments: Buffer[];
  _write(this: Receiver, piece: Buffer, encoding: BufferEncoding, done: (error?: Error) => void): void;
  tcp: Duplex;
  /** The fragments of the message that was unfinished after the last piece. */
  counted?: Buffer[];
}

/** Counts what has arrived of messages that are not whole, and reads clients in turn. */
export class BoundedSockets extends WebSocketServer {
  /** One function for all sockets. */
  private readonly write: Receiver['_write'];

  constructor(settings: ServerOptions, unfinished: Unfinished) {
    super({ ...settings, WebSocket: PingedSocket });
    this.write = function (piece, encoding, done) {
      const readOn = (error?: Error) => (error ? done(error) : setImmediate(done));
      const whenRead = piece.length < MUCH ? done : readOn;
      (Object.getPrototypeOf(this) as Receiver)._write.call(this, piece, encoding, whenRead);
      const { _buffers: pieces, _fragments: fragments, tcp } = this;
      // The earlier pieces have become whole messages.
      if (fragments !== this.counted || (fragments.length === 0 && pieces.length < 2))
        unfinished.release(tcp);
      this.counted = fragments;
      // A part of a piece keeps the whole of it in memory.
      if (pieces.length + fragments.length > 0) unfinished.add(tcp, piece.length);
    };
  }

  override handleUpgrade(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    then: (opened: WebSocket, request: IncomingMessage) => void,
  ): void {
    super.handleUpgrade(request, socket, head, (opened, asked) => {
      const { _receiver } = opened as unknown as { _receiver: Receiver };
      Object.assign(_receiver, { tcp: socket, _write: this.write });
      then(opened, asked);
    });
  }
}

/** What of Node is used here beyond its types, as its own time limits use it. */
interface Writing {
  _bytesDispatched?: number;
  _handle?: { writeQueueSize: number } | null;
}

/** Bytes that have left this process, whatever of a write is still to go. */
export function takenFrom(tcp: TcpSocket | undefined): number {
  const { _bytesDispatched = 0, _handle } = (tcp ?? {}) as Writing;
  return _bytesDispatched - (_handle?.writeQueueSize ?? 0);
}
