import { SOCKETS, toAppError, type Unfinished } from '#platform';
import type { IncomingMessage } from 'node:http';
import type { Socket as TcpSocket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Admission } from '../connections/admission.js';
import { refuseUpgrade, setVisit, visitOf } from './handshakes.js';
import { insideOf, type Receiver } from './internals.js';
import { PacketRate } from './packet-rate.js';
import { WebSocket, WebSocketServer, type ServerOptions } from 'ws';

/** A client with more unread data than this gets no answers to its pings. Bytes. */
const { most: MAX_BEFORE_PONG } = SOCKETS.pongs;
/** Between two checks a client must read at least this much, or everything. Bytes. */
export const READ_AT_LEAST = SOCKETS.reading.most;

/** A client that sends pings without reading would fill the memory with answers. */
class PingedSocket extends WebSocket {
  override pong(data?: unknown, mask?: boolean, sent?: (error: Error) => void): void {
    if (this.bufferedAmount <= MAX_BEFORE_PONG) super.pong(data, mask, sent);
  }
}

/** A client that sends so many bytes at once is read further after all others. Node.js would read 2 MiB first. */
const { most: MUCH } = SOCKETS.readAtOnce;

/** The state of a receiver before the head of a frame. */
const GET_INFO = 0;
/** Operation codes from here on are pings, pongs and closes. */
const FIRST_CONTROL = 8;

/** ws waits so long for the client to answer a close. Its types do not have the setting. In ms. */
const CLOSING = { closeTimeout: SOCKETS.closeTime.most };

/**
 * Counts the WebSockets, from the upgrade until their TCP connections have closed. Counts their frames, and the arrived
 * bytes of incomplete messages, and reads clients in turn.
 */
export class BoundedSockets extends WebSocketServer {
  /** Each is one function for all sockets. */
  private readonly write: Receiver['_write'];
  private readonly getInfo: Receiver['getInfo'];

  private readonly leave: (this: Duplex) => void;

  constructor(
    settings: ServerOptions,
    unfinished: Unfinished,
    private readonly admission: Pick<Admission, 'enter' | 'leave'>,
  ) {
    super({ ...settings, ...CLOSING, WebSocket: PingedSocket });
    this.leave = function () {
      admission.leave(visitOf(this));
    };
    this.getInfo = function (done) {
      (Object.getPrototypeOf(this) as Receiver).getInfo.call(this, done);
      if (this._state === GET_INFO) return;
      const isWhole = this._fragmented === 0 && this.webSocket.readyState === WebSocket.OPEN;
      const ofData = isWhole ? 'event' : 'part';
      if (this.rate.take(this._opcode < FIRST_CONTROL ? ofData : 'other')) return;
      done(this.createError(Error, 'too many frames', false, 1008, 'TOO_MANY_FRAMES'));
      this.tcp.destroy();
    };
    this.write = function (piece, encoding, done) {
      const readOn = (error?: Error) => (error ? done(error) : setImmediate(done));
      const whenRead = piece.length < MUCH ? done : readOn;
      (Object.getPrototypeOf(this) as Receiver)._write.call(this, piece, encoding, whenRead);
      const { _buffers: pieces, _fragments: fragments, tcp } = this;
      // The earlier pieces have become complete messages.
      if (fragments !== this.counted || (fragments.length === 0 && pieces.length < 2))
        unfinished.release(tcp);
      this.counted = fragments;
      // A part of a piece keeps the whole piece in memory.
      if (pieces.length + fragments.length > 0) unfinished.add(tcp, piece.length);
    };
  }

  override handleUpgrade(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    then: (opened: WebSocket, request: IncomingMessage) => void,
  ): void {
    try {
      setVisit(socket, this.admission.enter(request));
    } catch (error) {
      return refuseUpgrade(socket, toAppError(error));
    }
    socket.on('close', this.leave);
    super.handleUpgrade(request, socket, head, (opened, asked) => {
      const { _receiver } = insideOf(opened);
      const own = { tcp: socket, webSocket: opened, rate: new PacketRate(visitOf(socket)) };
      Object.assign(_receiver, { ...own, _write: this.write, getInfo: this.getInfo });
      then(opened, asked);
    });
  }
}

/** Members of Node that are missing in its types, as its own timeouts use them. */
interface Writing {
  _bytesDispatched?: number;
  _handle?: { writeQueueSize: number } | null;
}

/** The bytes that have left this process, even if a part of a write remains. */
export function takenFrom(tcp: TcpSocket | undefined): number {
  const { _bytesDispatched = 0, _handle } = (tcp ?? {}) as Writing;
  return _bytesDispatched - (_handle?.writeQueueSize ?? 0);
}
