import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { BEFORE_SIGN_IN } from '../../limits/budgets/index.js';

const { inWork, waiting } = BEFORE_SIGN_IN.requestsOfConnection.most;
/** Tells the parser of Node.js that no HTTP follows. Nothing else makes it drop the rest of what it has read. */
const NO_MORE_HTTP = 2;

/** Members of Node.js that are missing in its types: it calls `onIncoming` for each request that it has parsed. */
export interface Parsed {
  parser: {
    onIncoming(this: void, request: IncomingMessage & { upgrade: boolean }, keepsAlive: boolean): number;
  };
}

/**
 * Closes connections with too many unanswered requests, and parses no more of what they have sent: 64 KiB hold two
 * thousand requests, which Node.js would parse and route in one turn of the event loop.
 * @param onEnd called for each closed connection
 */
export function boundUnanswered(server: Server, onEnd: () => void): void {
  const unanswered = new WeakMap<Socket, number>();
  const of = (socket: Socket) => unanswered.get(socket) ?? 0;
  // One function for all answers.
  const onClose = function (this: ServerResponse) {
    const { socket } = this.req;
    unanswered.set(socket, of(socket) - 1);
  };
  server.on('request', ({ socket }: IncomingMessage, answer: ServerResponse) => {
    unanswered.set(socket, of(socket) + 1);
    answer.on('close', onClose);
  });
  server.on('connection', (socket: Socket) => {
    const { parser } = socket as Socket & Parsed;
    const { onIncoming } = parser;
    parser.onIncoming = (request, keepsAlive) => {
      const before = of(socket);
      if (before < inWork + waiting) {
        const result = onIncoming(request, keepsAlive);
        // Node.js has refused it without an event, as it does without a host. Its answer may wait behind a slow one.
        if (of(socket) === before) unanswered.set(socket, Infinity);
        return result;
      }
      if (!socket.destroyed) onEnd();
      socket.destroy();
      return NO_MORE_HTTP;
    };
  });
}
