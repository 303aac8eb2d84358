import { AppError, ERROR_STATUS } from '#contracts';
import { toAppError, type RequestsInWork } from '#platform';
import type { Server, Socket } from 'engine.io';
import { STATUS_CODES, ServerResponse, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Admission, Visit } from '../connections/admission.js';
import { sessionOf, sessionOfId, type EngineRequest, type EngineSession } from './internals.js';

/** An Engine.IO session, or the TCP connection of a WebSocket. */
interface Visiting {
  visit: Visit;
}

const NONE = Object.freeze({});

/**
 * Counts each Engine.IO session that polls from its handshake until it ends or upgrades. `BoundedSockets` counts the
 * WebSockets. Keeps only the parts of the request that a sign-in reads.
 */
export function admitHandshakes(engine: Server, admission: Admission): void {
  const arriving = new WeakMap<object, Visit>();
  engine.use((request: EngineRequest, response: object, next: () => void) => {
    if (!(response instanceof ServerResponse)) {
      const error = refusalOf(engine, request);
      return error ? refuse(request, response, error) : next();
    }
    if (request._query.sid) return next();
    if (request._query.j !== undefined)
      return refuse(request, response, new AppError('INVALID_DATA', 'JSONP is not supported'));
    let visit: Visit;
    try {
      visit = admission.enter(request);
    } catch (error) {
      return refuse(request, response, toAppError(error));
    }
    arriving.set(request, visit);
    // In this turn of the event loop, it becomes a session or is refused.
    setImmediate(() => arriving.delete(request) && admission.leave(visit));
    next();
  });
  // One function for all sessions.
  const onClose = function (this: object) {
    admission.leave(visitOf(this));
  };
  const onUpgrade = function (this: EngineSession) {
    this.off('close', onClose);
    const polling = visitOf(this);
    const upgraded = visitOf(this.transport.socket!._socket!);
    setVisit(this, upgraded);
    if (!polling.isOpening) admission.signedIn(upgraded);
    admission.leave(polling);
  };
  engine.on('connection', (socket: Socket) => {
    const session = sessionOf(socket);
    const request = session.request as EngineRequest;
    session.request = kept(request, session.protocol);
    const { socket: upgraded } = session.transport;
    if (upgraded) return setVisit(session, visitOf(upgraded._socket!));
    setVisit(session, arriving.get(request)!);
    arriving.delete(request);
    session.on('close', onClose).once('upgrade', onUpgrade);
  });
}

/** Starts polls in turn with all other requests: one turn of the event loop would start a poll of each connection. */
export function startPollsInTurn(engine: Server, requests: RequestsInWork, admission: Admission): void {
  const handle = engine.handleRequest.bind(engine);
  engine.handleRequest = (request, response) => {
    const from = { network: admission.networkOf(request), isPoll: true };
    try {
      requests.begin(request, response, from, () => handle(request, response));
    } catch (error) {
      refuse(request, response, toAppError(error));
    }
  };
}

export const visitOf = (visiting: object): Visit => (visiting as Visiting).visit;
export const setVisit = (visiting: object, visit: Visit): void => void ((visiting as Visiting).visit = visit);

/** Engine.IO would accept these upgrades, and close each by a handshake that the client may not answer. */
function refusalOf(engine: Server, { _query }: EngineRequest): AppError | undefined {
  if (_query.transport !== 'websocket')
    return new AppError('INVALID_DATA', 'Only the transport websocket is upgraded');
  const session = sessionOfId(engine, _query.sid);
  if (session && (session.upgrading || session.transport.name === 'websocket'))
    return new AppError('CONFLICT', 'The session is upgraded already');
  return undefined;
}

/** A request holds up to 8 KiB of headers and parser objects. */
function kept({ headers, _query, socket }: EngineRequest, protocol: number): object {
  const { authorization } = headers;
  const { token, scope } = _query;
  return {
    headers: authorization ? { authorization } : NONE,
    // Clients of Engine.IO 3 sign in by it.
    _query: protocol === 3 ? { token, scope } : NONE,
    connection: { encrypted: (socket as { encrypted?: boolean }).encrypted },
  };
}

/** The answer to an upgrade is written to its socket: Engine.IO would close it without an answer. */
function refuse(request: IncomingMessage, response: object, error: AppError): void {
  if (!(response instanceof ServerResponse)) return refuseUpgrade(request.socket, error);
  const body = JSON.stringify(error.toBody());
  response.writeHead(ERROR_STATUS[error.code], { ...headersOf(error), 'Content-Type': 'application/json' });
  response.end(body);
}

/**
 * A disconnected client would cause an error that ends the process. A connected one may stay: after an upgrade nothing
 * else closes its connection.
 */
export function refuseUpgrade(socket: Duplex, error: AppError): void {
  const status = ERROR_STATUS[error.code];
  const headers = Object.entries({ ...headersOf(error), Connection: 'close', 'Content-Length': '0' });
  const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...headers.map((pair) => pair.join(': '))];
  socket.on('error', () => socket.destroy()).end(`${lines.join('\r\n')}\r\n\r\n`, () => socket.destroy());
}

const headersOf = ({ retryAfterMs }: AppError): Record<string, string> =>
  retryAfterMs === undefined ? {} : { 'Retry-After': String(Math.ceil(retryAfterMs / 1000)) };
