import { AppError } from '#contracts';
import { Injectable } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { BEFORE_SIGN_IN } from '../../limits/budgets/index.js';
import { Config } from '../../config/config.js';
import { Metrics } from '../../observability/metrics.js';
import { NetworkCounts } from '../../limits/network-counts.js';
import { clientAddress, networkOf } from '../client-address.js';
import { RequestTurns } from './request-turns.js';
import { hasBody } from './unfinished.js';

const RETRY_MS = 2000;

/**
 * A busy process is healthy: if its probes were refused, it would be restarted. Without a body, a probe needs no
 * waiting.
 */
const isProbe = (request: IncomingMessage) =>
  request.method === 'GET' && /^\/health(?:[/?]|$)/.test(request.url!) && !hasBody(request);

interface Connection {
  network: string;
  isPoll: boolean;
  waiting: (() => void)[];
  /** True when the body has arrived and the request counts for the process. */
  isWorkedOn: boolean;
}

/**
 * Bounds the requests that are processed. A connection has one at a time; `boundUnanswered` bounds those that wait for
 * it. A body that is still arriving does not count for the process: `Unfinished` bounds those. Nor does a poll count for
 * its address and the process, since it waits for events: `Admission` bounds those.
 */
@Injectable()
export class RequestsInWork {
  private readonly connections = new Map<Socket, Connection>();
  private readonly begun: NetworkCounts;
  private readonly turns = new RequestTurns();
  private readonly working = new NetworkCounts({ all: BEFORE_SIGN_IN.requests.most });
  /** One function for all answers. */
  private readonly onClose: (this: ServerResponse) => void;

  constructor(
    config: Config,
    private readonly metrics: Metrics,
  ) {
    this.begun = new NetworkCounts({ ofOne: config.CONNECTIONS_PER_ADDRESS });
    const next = this.next.bind(this);
    this.onClose = function () {
      next(this.req.socket);
    };
  }

  /** Polls do not pass Fastify: they call `begin` themselves. */
  watch(fastify: FastifyInstance): void {
    fastify.addHook('onRequest', (request, reply, done) => {
      const from = { network: networkOf(clientAddress(request)), isPoll: false };
      try {
        this.begin(request.raw, reply.raw, from, done);
      } catch (refusal) {
        done(refusal as AppError);
      }
    });
    fastify.addHook('preValidation', (request, _reply, done) => {
      const connection = this.connections.get(request.raw.socket);
      if (!connection || isProbe(request.raw)) return done();
      if (this.working.refusalOf(connection.network)) return done(this.refusal('requests'));
      connection.isWorkedOn = true;
      this.working.add(connection.network, 1);
      done();
    });
  }

  /**
   * Starts a request after the earlier ones of its connection, in the turn of its network. It does not start after its
   * connection has closed.
   * @throws AppError RATE_LIMIT, UNAVAILABLE
   */
  begin(
    request: IncomingMessage,
    response: ServerResponse,
    { network, isPoll }: Pick<Connection, 'network' | 'isPoll'>,
    start: () => void,
  ): void {
    const { socket } = request;
    const { waiting } = this.connections.get(socket) ?? {};
    if (socket.destroyed) return;
    if (!waiting) {
      const full = isProbe(request) ? undefined : this.fullFor(network, isPoll);
      if (full) {
        // It does not wait, so its connection must not bring the next one at once.
        response.setHeader('connection', 'close');
        throw this.refusal(full);
      }
      this.connections.set(socket, { network, isPoll, waiting: [], isWorkedOn: false });
      if (!isPoll) this.begun.add(network, 1);
    }
    const run = () => this.turns.run(network, () => socket.destroyed || start());
    response.on('close', this.onClose);
    if (waiting) waiting.push(run);
    else run();
  }

  /** Drops the waiting requests of a closed connection. */
  closed(socket: Socket): void {
    const connection = this.connections.get(socket);
    if (!connection) return;
    this.answered(connection);
    this.connections.delete(socket);
    if (!connection.isPoll) this.begun.add(connection.network, -1);
  }

  private fullFor(network: string, isPoll: boolean): 'requests' | 'requestsOfAddress' | undefined {
    if (!isPoll && this.begun.refusalOf(network)) return 'requestsOfAddress';
    return this.turns.isFull(network) ? 'requests' : undefined;
  }

  private answered(connection: Connection): void {
    if (connection.isWorkedOn) this.working.add(connection.network, -1);
    connection.isWorkedOn = false;
  }

  private next(socket: Socket): void {
    const connection = this.connections.get(socket);
    const run = connection?.waiting.shift();
    if (!run) return this.closed(socket);
    this.answered(connection!);
    run();
  }

  private refusal(budget: 'requests' | 'requestsOfAddress'): AppError {
    this.metrics.refuse(BEFORE_SIGN_IN[budget]);
    const [code, message] =
      budget === 'requests'
        ? (['UNAVAILABLE', 'Too many requests at once, try again'] as const)
        : (['RATE_LIMIT', 'Too many requests from this address at once'] as const);
    return new AppError(code, message, { retryAfterMs: RETRY_MS });
  }
}
