import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { BEFORE_SIGN_IN, SOCKETS } from '../../limits/budgets/index.js';

/** Interval of checks of connections, ms. */
const CHECK_MS = 5000;
/** How many checks an unfinished answer may survive. */
const LOOKS = BEFORE_SIGN_IN.answerTime.most / CHECK_MS;

/**
 * Limit of a request's line and headers, bytes: a token has 1 KiB at most, and there are no cookies. Beyond it the
 * answer is 431.
 */
export const MAX_HEADER_SIZE = SOCKETS.headers.most;

/** For each HTTP server: a request must arrive completely within 30 s of its first byte. */
export const REQUEST_DEADLINE = {
  requestTimeout: BEFORE_SIGN_IN.requestTime.most - CHECK_MS,
  connectionsCheckingInterval: CHECK_MS,
};

/**
 * Closes each connection whose client has not read an answer within 30 s of its first byte. Reading a byte now and then
 * does not help: the whole answer stays in memory until it is read.
 * @param onEnd called for each closed connection
 */
export function endUnreadAnswers(server: Server, onEnd = () => {}): void {
  /** The number of checks that each answer has survived. */
  const open = new Map<ServerResponse, number>();
  // One function for all answers, since there are many.
  const onClose = function (this: ServerResponse) {
    open.delete(this);
  };
  server.on('request', (_request: IncomingMessage, answer: ServerResponse) => {
    open.set(answer, 0);
    answer.on('close', onClose);
  });
  const timer = setInterval(() => {
    for (const [answer, looks] of open) {
      const { socket } = answer.req;
      // An answer queued behind another on its connection gets no event when the connection closes.
      if (socket.destroyed) open.delete(answer);
      else if (!answer.headersSent) continue;
      else if (looks + 1 < LOOKS) open.set(answer, looks + 1);
      else {
        socket.destroy();
        onEnd();
      }
    }
  }, CHECK_MS).unref();
  server.on('close', () => clearInterval(timer));
}
