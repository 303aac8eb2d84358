import type { Socket as TcpSocket } from 'node:net';
import { WebSocket } from 'ws';

/** A client that has more than this to read gets no answers to its pings. Bytes. */
const MAX_BEFORE_PONG = 64 * 1024;
/** From one look to the next a client takes so much at least, or all there is. Bytes. */
export const READ_AT_LEAST = 16 * 1024;

/** A client that pings and does not read would fill the memory with the answers. */
export class PingedSocket extends WebSocket {
  override pong(data?: unknown, mask?: boolean, sent?: (error: Error) => void): void {
    if (this.bufferedAmount <= MAX_BEFORE_PONG) super.pong(data, mask, sent);
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
