import { io, type Manager, type ManagerOptions, type Socket, type SocketOptions } from 'socket.io-client';
import { Listener } from './listener.js';

/** A client of an older protocol, connected as its documentation shows. */
export class PlainClient extends Listener<Record<string, Record<string, unknown>>> {
  private constructor(socket: Socket) {
    super(socket);
  }

  /** Uses a connection that other namespaces may share. */
  static on(manager: Manager, namespace: string, token: string): PlainClient {
    return new PlainClient(manager.socket(namespace, { auth: { token } }));
  }

  /** Opens its own connection without waiting. */
  static open(url: string, options: Partial<ManagerOptions & SocketOptions>): PlainClient {
    return new PlainClient(io(url, { forceNew: true, ...options }));
  }

  /** Sends an event and waits for its single acknowledgement. */
  async ask<T = Record<string, unknown>>(event: string, ...args: unknown[]): Promise<T> {
    return (await this.socket.timeout(30_000).emitWithAck(event, ...args)) as T;
  }
}
