import { SOCKETS } from '#platform';
import { WebSocket } from 'ws';
import { insideOf } from '../transport/internals.js';
import { READ_AT_LEAST, takenFrom } from '../transport/reading.js';

/** A device with more unread live events than this is disconnected, and resumes when it reconnects. Bytes. */
const { most: MAX_UNREAD } = SOCKETS.assistantUnread;
/**
 * So much of chats and answers is sent before the device must have read it, and other devices get a turn. Characters.
 */
const { most: PIECE } = SOCKETS.assistantPiece;

/** Writes frames to a device, as fast as it reads them, and disconnects a device that does not read. */
export class FrameWriter {
  /** Characters of chats and answers sent since the last wait for the device. */
  private piece = 0;
  /** Unread bytes of history that the device asked for, such as a long chat or answer: it may read them slowly. */
  private owed = 0;
  private lives = true;
  /** At the last heartbeat: the bytes read so far, and the bytes still unread. Bytes. */
  private taken = 0;
  private unread = 0;

  constructor(
    private readonly socket: WebSocket,
    private readonly onSlow: () => void,
  ) {
    socket.on('pong', () => (this.lives = true));
  }

  /** Writes a live event, or an answer. */
  write(frame: string): void {
    if (this.socket.readyState !== WebSocket.OPEN) return;
    this.owed = Math.min(this.owed, this.socket.bufferedAmount);
    if (this.socket.bufferedAmount - this.owed > MAX_UNREAD) return this.disconnectSlow();
    this.socket.send(frame);
  }

  /** Writes a part of the history. The next one waits for the promise. */
  writePast(frame: string): void | Promise<void> {
    if (this.socket.readyState !== WebSocket.OPEN) return;
    this.piece += frame.length;
    let written: Promise<void> | undefined;
    if (this.piece <= PIECE) this.socket.send(frame);
    else {
      this.piece = 0;
      written = new Promise((done) => this.socket.send(frame, () => setImmediate(done)));
    }
    this.owed = this.socket.bufferedAmount;
    return written;
  }

  beat(): void {
    const { bufferedAmount } = this.socket;
    const taken = takenFrom(insideOf(this.socket)._socket);
    // A client may answer heartbeats without reading its data.
    const reads = bufferedAmount === 0 || taken - this.taken >= Math.min(this.unread, READ_AT_LEAST);
    if (!this.lives || !reads) return this.socket.terminate();
    this.taken = taken;
    this.unread = bufferedAmount;
    this.lives = false;
    this.socket.ping();
  }

  disconnectSlow(): void {
    this.onSlow();
    this.socket.terminate();
  }
}
