import { transports } from 'engine.io';
import type { Socket as TcpSocket } from 'node:net';

type Packets = Parameters<InstanceType<typeof transports.websocket>['send']>[0];

/**
 * Engine.IO's WebSocket transport, which hands each packet to the kernel by itself. Here all packets of one turn of
 * the event loop leave in one write: a flush that acknowledges and shows a hundred messages costs each device one
 * system call. Nothing waits longer than the turn it was sent in.
 */
export class GatheringWebSocket extends transports.websocket {
  private held?: Packets;

  /** The first packets of a turn are held, and the engine queues what follows as for a transport that is busy. */
  override send(packets: Packets): void {
    if (this.held) return this.write([...this.held, ...packets]);
    this.held = packets;
    this.writable = false;
    setImmediate(() => this.release());
  }

  override doClose(done?: () => void): void {
    this.release();
    super.doClose(done);
  }

  /** Asks the engine for what it has queued, which comes through `send`; without any, writes what is held. */
  private release(): void {
    if (!this.held) return;
    this.writable = true;
    this.emit('ready');
    if (this.held) return this.write(this.held);
    // The engine counts one `drain` for each of its two sends; the other comes with the write.
    this.emit('drain');
  }

  private write(packets: Packets): void {
    this.held = undefined;
    const tcp = (this as unknown as { socket: { _socket?: TcpSocket } }).socket._socket;
    tcp?.cork();
    super.send(packets);
    tcp?.uncork();
  }
}
