import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { BEFORE_SIGN_IN } from '../../limits/budgets/index.js';
import { Counts } from '../../concurrency/counts.js';
import { holderOf } from '../client-address.js';

/**
 * Bounds the connections that are open without a request. The one that has been so for the longest ends, or the one of the
 * newcomer's network, if that has more of them: whoever opens many and asks for nothing takes no place from whoever asks.
 * @param onEnd called for each of them
 */
export function boundIdle(
  server: Server,
  onEnd: () => void,
  most = BEFORE_SIGN_IN.idleConnections.most,
): void {
  /** In the order in which they came to be so. */
  const idle = new Set<Socket>();
  const idleOf = new Counts();
  /** Whose each connection is. */
  const holders = new Map<Socket, string>();
  /** How many requests the other ones have. */
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
  // One of each for all of them: there are many.
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
