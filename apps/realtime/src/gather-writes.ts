import type { Server, Socket } from 'engine.io';
import type { Socket as TcpSocket } from 'node:net';

/** A device that lets more than this wait is cut off, and syncs when it comes back. Characters, about bytes. */
const MAX_WAITING = 4 * 1024 * 1024;
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
  transport: { socket?: { _socket?: TcpSocket } };
}

/**
 * Engine.IO hands each packet to the kernel by itself. Here all packets of one turn of the event loop leave each
 * socket in one write: a flush that acknowledges and shows a hundred messages costs a device one system call.
 * Nothing waits longer than the turn it was sent in, unless the device does not read; what waits then is bounded.
 * @param onCutOff called for each device that is cut off
 */
export function gatherWrites(engine: Pick<Server, 'on'>, onCutOff: () => void = () => undefined): void {
  let waiting: (() => void)[] = [];
  const writeAll = () => {
    const turn = waiting;
    waiting = [];
    for (const write of turn) write();
  };

  engine.on('connection', (connected: Socket) => {
    const socket = connected as unknown as Flushing;
    const flush = socket.flush.bind(socket);
    let isWaiting = false;
    let size = 0;
    // Closing by agreement would wait behind what it does not read.
    const cutOff = () => {
      const tcp = socket.transport.socket?._socket;
      socket.close(true);
      tcp?.destroy();
      onCutOff();
    };
    const write = () => {
      isWaiting = false;
      const tcp = socket.writeBuffer.length > 1 ? socket.transport.socket?._socket : undefined;
      tcp?.cork();
      flush();
      tcp?.uncork();
      if (socket.writeBuffer.length === 0) size = 0;
    };
    socket.flush = () => {
      const { data } = socket.writeBuffer.at(-1) ?? {};
      if (typeof data === 'string') {
        if (size > MAX_BEFORE_PASSING && PASSING.test(data)) return void socket.writeBuffer.pop();
        size += data.length;
      }
      if (size > MAX_WAITING) return cutOff();
      if (isWaiting) return;
      isWaiting = true;
      if (waiting.push(write) === 1) setImmediate(writeAll);
    };
  });
}
