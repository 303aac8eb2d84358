import { io, type Manager, type ManagerOptions, type Socket, type SocketOptions } from 'socket.io-client';
import { Listener } from './listener.js';

/** A client of one of the other documents, connected as that document's own sample connects. */
export class PlainClient extends Listener<Record<string, Record<string, unknown>>> {
  private constructor(socket: Socket) {
    super(socket);
  }

  /** On a connection that may carry others, too. */
  static on(manager: Manager, namespace: string, token: string): PlainClient {
    return new PlainClient(manager.socket(namespace, { auth: { token } }));
  }

  /** Opens a connection of its own and waits for nothing. */
  static open(url: string, options: Partial<ManagerOptions & SocketOptions>): PlainClient {
    return new PlainClient(io(url, { forceNew: true, ...options }));
  }

  /** Sends an event and waits for its one acknowledgement. */
  async ask<T = Record<string, unknown>>(event: string, ...args: unknown[]): Promise<T> {
    return (await this.socket.timeout(30_000).emitWithAck(event, ...args)) as T;
  }
}
