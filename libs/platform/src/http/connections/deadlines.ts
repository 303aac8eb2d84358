import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { BEFORE_SIGN_IN, SOCKETS } from '../../limits/budgets/index.js';

/** How often connections are looked at, ms. */
const CHECK_MS = 5000;
/** How many looks an answer may outlast that has begun. */
const LOOKS = BEFORE_SIGN_IN.answerTime.most / CHECK_MS;

/** Of a request's line and headers: a token has 1 KiB at most, and there are no cookies. Beyond it the answer is 431. Bytes. */
export const MAX_HEADER_SIZE = SOCKETS.headers.most;

/** For each HTTP server: a request has to be there, body and all, within 30 s of its first byte. */
export const REQUEST_DEADLINE = {
  requestTimeout: BEFORE_SIGN_IN.requestTime.most - CHECK_MS,
  connectionsCheckingInterval: CHECK_MS,
};

/**
 * Ends each connection whose client has not read an answer within 30 s of its first byte. A client that reads a byte now
 * and then is ended, too: until it is done the whole answer stays in memory.
 * @param onEnd called for each of them
 */
export function endUnreadAnswers(server: Server, onEnd = () => {}): void {
  /** How many looks each answer has outlasted. */
  const open = new Map<ServerResponse, number>();
  // One for all of them: there are many.
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
      // An answer that waits behind another one on its connection is not told that this has closed.
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
