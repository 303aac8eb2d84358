import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { BEFORE_SIGN_IN } from '../budgets/index.js';

/**
 * Bounds the connections that are open without a request. Those that have been so for the longest end first: whoever opens
 * many and asks for nothing takes no place from whoever asks.
 * @param onEnd called for each of them
 */
export function boundIdle(
  server: Server,
  onEnd: () => void,
  most = BEFORE_SIGN_IN.idleConnections.most,
): void {
  /** In the order in which they came to be so. */
  const idle = new Set<Socket>();
  /** How many requests the other ones have. */
  const requests = new Map<Socket, number>();
  const rest = (socket: Socket) => {
    if (socket.destroyed) return;
    idle.add(socket);
    if (idle.size <= most) return;
    const longest = idle.values().next().value!;
    idle.delete(longest);
    longest.destroy();
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
    idle.delete(this);
    requests.delete(this);
  };
  server.on('connection', (socket: Socket) => {
    rest(socket);
    socket.on('close', forget);
  });
  server.on('request', ({ socket }: IncomingMessage, answer: ServerResponse) => {
    idle.delete(socket);
    requests.set(socket, (requests.get(socket) ?? 0) + 1);
    answer.on('close', onAnswered);
  });
  server.on('upgrade', ({ socket }: IncomingMessage) => idle.delete(socket));
}
