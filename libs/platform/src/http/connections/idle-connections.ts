import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { BEFORE_SIGN_IN } from '../../limits/budgets/index.js';
import { Counts } from '../../concurrency/counts.js';
import { holderOf } from '../client-address.js';

/**
 * Bounds the connections without an open request. Beyond the limit, the longest idle connection is closed. If the new
 * connection's network has more of them, its longest idle one is closed instead. So many idle connections of one client
 * do not displace active clients.
 * @param onEnd called for each closed connection
 */
export function boundIdle(
  server: Server,
  onEnd: () => void,
  most = BEFORE_SIGN_IN.idleConnections.most,
): void {
  /** In the order in which they became idle. */
  const idle = new Set<Socket>();
  const idleOf = new Counts();
  /** The network of each connection. */
  const holders = new Map<Socket, string>();
  /** The number of open requests of active connections. */
  const requests = new Map<Socket, number>();
  const leave = (socket: Socket) => {
    if (idle.delete(socket)) idleOf.add(holders.get(socket)!, -1);
  };
  const longest = (holder?: string) => {
    for (const socket of idle) if (holder === undefined || holders.get(socket) === holder) return socket;
  };
  const rest = (socket: Socket) => {
    if (socket.destroyed) return;
    const holder = holders.get(socket)!;
    idle.add(socket);
    idleOf.add(holder, 1);
    if (idle.size <= most) return;
    let ended = longest()!;
    if (idleOf.of(holder) > idleOf.of(holders.get(ended)!)) ended = longest(holder)!;
    leave(ended);
    ended.destroy();
    onEnd();
  };
  // One function for all connections, since there are many.
  const onAnswered = function (this: ServerResponse) {
    const { socket } = this.req;
    const left = (requests.get(socket) ?? 0) - 1;
    if (left > 0) return requests.set(socket, left);
    if (requests.delete(socket)) rest(socket);
  };
  const forget = function (this: Socket) {
    leave(this);
    holders.delete(this);
    requests.delete(this);
  };
  server.on('connection', (socket: Socket) => {
    holders.set(socket, holderOf(socket));
    rest(socket);
    socket.on('close', forget);
  });
  server.on('request', ({ socket }: IncomingMessage, answer: ServerResponse) => {
    leave(socket);
    requests.set(socket, (requests.get(socket) ?? 0) + 1);
    answer.on('close', onAnswered);
  });
  server.on('upgrade', ({ socket }: IncomingMessage) => leave(socket));
}
