import { SOCKETS, type Waiting } from '#platform';
import type { Server, Socket } from 'engine.io';
import { sessionOf, sessionsOf, type EngineSession } from './internals.js';
import { READ_AT_LEAST, takenFrom } from './reading.js';

/** A device with more unread data than this is disconnected, and syncs when it reconnects. Characters, about bytes. */
const { most: MAX_WAITING } = SOCKETS.unread;
/** The overhead of a packet. */
const PACKET_SIZE = 50;
/** Larger writes to one socket go last, when many sockets are written. */
const LARGE = 32 * 1024;
/** Limit of writing without a pause, during which nothing else runs. In ms. */
const { most: WRITE_MS } = SOCKETS.writeTime;
/** Interval of checks that devices read, ms. A device that reads too little between two checks is disconnected. */
const LOOK_MS = 15_000;
/** Transient events are skipped for devices with more unread data than this: they would be outdated when read. */
const MAX_BEFORE_PASSING = 64 * 1024;
/** Typing and presence, of every namespace. */
const PASSING =
  /^2(?:\/[\w-]+,)?\["(?:chat:typing|user:online|user:offline|user-typing|user-stopped-typing|user-online|user-offline|users:update)"/;

/** Our additional fields of a session. */
interface Coalescing extends EngineSession {
  /** Its own `flush`. */
  writeOut(): void;
  isWaiting: boolean;
  /** The size of data that the transport has not received. */
  sizeWaiting: number;
  /** The size of the last data given to the transport, which may still hold it while it accepts no more. */
  sizeGiven: number;
  /** True when the last check found the given data unread, and no more has been given since. */
  isStuck: boolean;
  /** Bytes read by then over WebSocket. */
  taken: number;
}

/**
 * Engine.IO writes each packet to the kernel separately. Here all packets of one event loop turn leave each socket in
 * one write: acknowledging and publishing a hundred messages costs one system call per device. Data waits longer than
 * its turn only if there is much for many devices, or the device does not read; waiting data is bounded.
 * @param onDisconnected called for each disconnected device
 * @returns the sessions that had more data at their last write than their transport accepted. `unreadOf` removes others.
 */
export function coalesceWrites(
  engine: Pick<Server, 'on'>,
  onDisconnected: () => void = () => undefined,
): Set<object> {
  const blocked = new Set<Coalescing>();
  const write = (socket: Coalescing) => {
    if (!writeNow(socket)) blocked.add(socket);
  };
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
  // One function for all sockets: separate functions would take much more memory than the waiting data.
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
    const socket = sessionOf(connected) as Coalescing;
    const own = { flush, isWaiting: false, sizeWaiting: 0, sizeGiven: 0, isStuck: false, taken: 0 };
    Object.assign(socket, { writeOut: socket.flush, ...own });
  });
  return blocked;
}

/**
 * Disconnects clients that answer heartbeats but do not read: their data would stay in memory for ever.
 * @param onDisconnected called for each disconnected device
 * @returns the timer
 */
export function disconnectSlow(engine: object, onDisconnected: () => void): NodeJS.Timeout {
  const look = () => {
    for (const socket of sessionsOf(engine) as Coalescing[]) {
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
 * Finds devices that do not read, and the size of their waiting data. Packets of this turn do not count, since many
 * devices share them.
 * @param blocked the result of `coalesceWrites`
 * @param onDisconnected called for each disconnected device
 */
export function unreadOf(blocked: Set<object>, onDisconnected: () => void): Waiting[] {
  const waiting: Waiting[] = [];
  for (const socket of blocked as Set<Coalescing>) {
    const { transport, sizeWaiting, writeBuffer } = socket;
    if (transport.writable || writeBuffer.length === 0) {
      blocked.delete(socket);
      continue;
    }
    waiting.push({
      bytes: sizeWaiting,
      end: () => {
        disconnect(socket);
        onDisconnected();
      },
    });
  }
  return waiting;
}

/** @returns whether the transport has accepted all data */
function writeNow(socket: Coalescing): boolean {
  socket.isWaiting = false;
  const tcp = socket.writeBuffer.length > 1 ? socket.transport.socket?._socket : undefined;
  tcp?.cork();
  socket.writeOut();
  tcp?.uncork();
  if (socket.writeBuffer.length > 0) return false;
  socket.isStuck = false;
  socket.sizeGiven = socket.sizeWaiting;
  socket.sizeWaiting = 0;
  return true;
}

/** A closing handshake would wait behind the unread data. */
function disconnect(socket: Coalescing): void {
  const tcp = socket.transport.socket?._socket;
  socket.close(true);
  tcp?.destroy();
}
