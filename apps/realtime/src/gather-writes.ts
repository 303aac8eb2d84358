import type { Server, Socket } from 'engine.io';
import type { Socket as TcpSocket } from 'node:net';

/** What of Engine.IO's socket is used here beyond its types. */
interface Flushing {
  flush(): void;
  writeBuffer: unknown[];
  transport: { socket?: { _socket?: TcpSocket } };
}

/**
 * Engine.IO hands each packet to the kernel by itself. Here all packets of one turn of the event loop leave each
 * socket in one write: a flush that acknowledges and shows a hundred messages costs a device one system call.
 * Nothing waits longer than the turn it was sent in.
 */
export function gatherWrites(engine: Pick<Server, 'on'>): void {
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
    const write = () => {
      isWaiting = false;
      if (socket.writeBuffer.length < 2) return flush();
      const tcp = socket.transport.socket?._socket;
      tcp?.cork();
      flush();
      tcp?.uncork();
    };
    socket.flush = () => {
      if (isWaiting) return;
      isWaiting = true;
      if (waiting.push(write) === 1) setImmediate(writeAll);
    };
  });
}
