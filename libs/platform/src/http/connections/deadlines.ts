import { ServerResponse, type IncomingMessage, type Server } from 'node:http';
import { Socket } from 'node:net';
import { BEFORE_SIGN_IN, SOCKETS } from '../../limits/budgets/index.js';
import { hasBody } from './unfinished.js';

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

/** Members of Node.js that are missing in its types. It calls `destroySoon` after the last answer of a connection. */
interface Reading extends Socket {
  parser?: { incoming?: IncomingMessage | null } | null;
}

/**
 * Closes a connection after an answer that was sent before the whole body had arrived. Node.js would parse the rest for
 * nothing, and `Unfinished` could not count it. For a while the rest is read without being parsed: if bytes arrived at a
 * closed connection, the client would lose the answer, and a proxy would answer 502 (RFC 9112, section 9.6).
 */
export function endEarlyAnswered(server: Server, most = BEFORE_SIGN_IN.earlyAnswers.most): void {
  // One function for all answers, and one for all connections.
  const writeHead = function (this: ServerResponse, ...args: Parameters<ServerResponse['writeHead']>) {
    if (!this.req.complete) this.shouldKeepAlive = false;
    return ServerResponse.prototype.writeHead.apply(this, args);
  } as ServerResponse['writeHead'];
  const destroySoon = function (this: Reading) {
    if (this.parser?.incoming?.complete !== false) return Socket.prototype.destroySoon.call(this);
    const end = () => this.destroy();
    let left = most.bytes;
    // The listeners of the parser.
    this.removeAllListeners('data').removeAllListeners('end');
    this.on('data', ({ length }: Buffer) => (left -= length) < 0 && end());
    this.once('end', end).end();
    setTimeout(end, most.ms).unref();
  };
  server.on('connection', (socket: Socket) => (socket.destroySoon = destroySoon));
  server.on('request', (request: IncomingMessage, answer: ServerResponse) => {
    if (hasBody(request)) answer.writeHead = writeHead;
  });
}
