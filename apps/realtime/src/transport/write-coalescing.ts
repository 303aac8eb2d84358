import { SOCKETS, type Waiting } from '#platform';
import type { Server, Socket } from 'engine.io';
import type { Socket as TcpSocket } from 'node:net';
import { READ_AT_LEAST, takenFrom } from './reading.js';

/** A device that lets more than this wait is cut off, and syncs when it comes back. Characters, about bytes. */
const { most: MAX_WAITING } = SOCKETS.unread;
/** What a packet takes beside its data. */
const PACKET_SIZE = 50;
/** More than this to write to one socket is much, if there are many: it is written after all that is less. */
const LARGE = 32 * 1024;
/** So long at a time: meanwhile nothing else is done. ms */
const { most: WRITE_MS } = SOCKETS.writeTime;
/** How often it is looked whether devices read, ms. One that takes too little from one look to the next is cut off. */
const LOOK_MS = 15_000;
/** With more than this before it, what is of the moment would be out of date when it is read: it is left out. */
const MAX_BEFORE_PASSING = 64 * 1024;
/** Typing and presence, of every namespace. */
const PASSING =
  /^2(?:\/[\w-]+,)?\["(?:chat:typing|user:online|user:offline|user-typing|user-stopped-typing|user-online|user-offline|users:update)"/;

/** What of Engine.IO's socket is used here beyond its types. */
interface Flushing {
  flush(): void;
  close(discard: boolean): void;
  writeBuffer: { data?: unknown }[];
  transport: { writable: boolean; socket?: { _socket?: TcpSocket } };
}

/** What it holds here besides. */
interface Coalescing extends Flushing {
  /** Its own `flush`. */
  writeOut(): void;
  isWaiting: boolean;
  /** Of what the transport has not been given. */
  sizeWaiting: number;
  /** Of what it was given last, and may still hold while it takes no more. */
  sizeGiven: number;
  /** The last look found that it had not taken what it was given, and it has been given nothing since. */
  isStuck: boolean;
  /** By then, by WebSocket. Bytes. */
  taken: number;
}

/**
 * Engine.IO hands each packet to the kernel by itself. Here all packets of one turn of the event loop leave each
 * socket in one write: a flush that acknowledges and shows a hundred messages costs a device one system call.
 * Nothing waits longer than the turn it was sent in, unless there is much for many, or the device does not read; what waits
 * then is bounded.
 * @param onDisconnected called for each device that is cut off
 */
export function coalesceWrites(
  engine: Pick<Server, 'on'>,
  onDisconnected: () => void = () => undefined,
): void {
  let small: Coalescing[] = [];
  let large: Coalescing[] = [];
  const writeLarge = () => {
    const until = performance.now() + WRITE_MS;
    let written = 0;
    do write(large[written++]!);
    while (written < large.length && performance.now() < until);
    large = large.slice(written);
    if (large.length > 0) setImmediate(writeLarge);
  };
  const writeAll = () => {
    const sockets = small;
    small = [];
    const isWriting = large.length > 0;
    for (const socket of sockets)
      if (socket.sizeWaiting > LARGE) large.push(socket);
      else write(socket);
    if (large.length > 0 && !isWriting) writeLarge();
  };
  // One function for all sockets: of its own each would hold many times what it waits for.
  const flush = function (this: Coalescing) {
    const { data } = this.writeBuffer.at(-1) ?? {};
    if (this.transport.writable) this.sizeGiven = 0;
    if (typeof data === 'string') {
      if (this.sizeGiven + this.sizeWaiting > MAX_BEFORE_PASSING && PASSING.test(data))
        return void this.writeBuffer.pop();
      this.sizeWaiting += data.length;
    }
    this.sizeWaiting += PACKET_SIZE;
    if (this.sizeGiven + this.sizeWaiting > MAX_WAITING) {
      disconnect(this);
      return onDisconnected();
    }
    if (this.isWaiting) return;
    this.isWaiting = true;
    if (small.push(this) === 1) setImmediate(writeAll);
  };
  engine.on('connection', (connected: Socket) => {
    const socket = connected as unknown as Coalescing;
    const own = { flush, isWaiting: false, sizeWaiting: 0, sizeGiven: 0, isStuck: false, taken: 0 };
    Object.assign(socket, { writeOut: socket.flush, ...own });
  });
}

/**
 * A client that answers heartbeats and does not read would keep what waits for it for ever.
 * @param onDisconnected called for each device that is cut off
 * @returns the timer
 */
export function disconnectSlow(engine: object, onDisconnected: () => void): NodeJS.Timeout {
  const { clients } = engine as { clients: Record<string, Coalescing> };
  const look = () => {
    for (const socket of Object.values(clients)) {
      const waits = !socket.transport.writable && socket.sizeGiven + socket.sizeWaiting > 0;
      const taken = takenFrom(socket.transport.socket?._socket);
      if (waits && socket.isStuck && taken - socket.taken < READ_AT_LEAST) {
        disconnect(socket);
        onDisconnected();
      }
      socket.isStuck = waits;
      socket.taken = taken;
    }
  };
  return setInterval(look, LOOK_MS).unref();
}

/**
 * Finds the devices that do not read, and how much waits for each. Packets of this turn do not count: many devices share
 * them.
 * @param onDisconnected called for each device that is cut off
 */
export function unreadOf(engine: object, onDisconnected: () => void): Waiting[] {
  const { clients } = engine as { clients: Record<string, Coalescing> };
  return Object.values(clients)
    .filter(({ transport, sizeWaiting }) => !transport.writable && sizeWaiting > 0)
    .map((socket) => ({
      bytes: socket.sizeWaiting,
      end: () => {
        disconnect(socket);
        onDisconnected();
      },
    }));
}

function write(socket: Coalescing): void {
  socket.isWaiting = false;
  const tcp = socket.writeBuffer.length > 1 ? socket.transport.socket?._socket : undefined;
  tcp?.cork();
  socket.writeOut();
  tcp?.uncork();
  if (socket.writeBuffer.length > 0) return;
  socket.isStuck = false;
  socket.sizeGiven = socket.sizeWaiting;
  socket.sizeWaiting = 0;
}

/** Closing by agreement would wait behind what it does not read. */
function disconnect(socket: Coalescing): void {
  const tcp = socket.transport.socket?._socket;
  socket.close(true);
  tcp?.destroy();
}
