import { AppError } from '#contracts';
import { Injectable } from '@nestjs/common';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { BEFORE_SIGN_IN } from '../../limits/budgets/index.js';
import { Config } from '../../config/config.js';
import { Metrics } from '../../observability/metrics.js';
import { NetworkCounts } from '../../limits/network-counts.js';
import { clientAddress, networkOf } from '../client-address.js';
import { RequestTurns } from './request-turns.js';

const RETRY_MS = 2000;

/**
 * A busy process is healthy: if its probes were refused, it would be restarted. Without a body, a probe needs no
 * waiting.
 */
const isProbe = ({ method, url, headers }: FastifyRequest) =>
  method === 'GET' &&
  /^\/health(?:[/?]|$)/.test(url) &&
  headers['content-length'] === undefined &&
  headers['transfer-encoding'] === undefined;

interface Connection {
  network: string;
  waiting: (() => void)[];
  /** True when the body has arrived and the request counts for the process. */
  isWorkedOn: boolean;
}

/**
 * Bounds the requests that are processed. A connection has one at a time. A body that is still arriving does not count
 * for the process: `Unfinished` bounds those. Polls do not count: `Admission` bounds their sessions.
 */
@Injectable()
export class RequestsInWork {
  private readonly connections = new Map<Socket, Connection>();
  private readonly begun: NetworkCounts;
  private readonly turns = new RequestTurns();
  private readonly working = new NetworkCounts({ all: BEFORE_SIGN_IN.requests.most });

  constructor(
    config: Config,
    private readonly metrics: Metrics,
  ) {
    this.begun = new NetworkCounts({ ofOne: config.CONNECTIONS_PER_ADDRESS });
  }

  watch(fastify: FastifyInstance): void {
    const next = this.next.bind(this);
    // One function for all answers.
    const onClose = function (this: ServerResponse) {
      next(this.req.socket);
    };
    fastify.addHook('onRequest', (request, reply, done) => {
      const { socket } = request.raw;
      const { waiting } = this.connections.get(socket) ?? {};
      if (waiting && waiting.length >= BEFORE_SIGN_IN.requestsOfConnection.most.waiting) {
        this.metrics.refuse(BEFORE_SIGN_IN.requestsOfConnection);
        // Refusals would wait in memory behind earlier answers.
        socket.destroy();
      }
      if (socket.destroyed) return void reply.hijack();
      if (!waiting) {
        const network = networkOf(clientAddress(request));
        const full = this.fullFor(network);
        if (full && !isProbe(request)) {
          // It does not wait, so its connection must not bring the next one at once.
          void reply.header('connection', 'close');
          return done(this.refusal(full));
        }
        this.connections.set(socket, { network, waiting: [], isWorkedOn: false });
        this.begun.add(network, 1);
      }
      const { network } = this.connections.get(socket)!;
      const start = () => this.turns.run(network, () => (socket.destroyed ? void reply.hijack() : done()));
      reply.raw.on('close', onClose);
      if (waiting) waiting.push(start);
      else start();
    });
    fastify.addHook('preValidation', (request, _reply, done) => {
      const connection = this.connections.get(request.raw.socket);
      if (!connection || isProbe(request)) return done();
      if (this.working.refusalOf(connection.network)) return done(this.refusal('requests'));
      connection.isWorkedOn = true;
      this.working.add(connection.network, 1);
      done();
    });
  }

  /** Drops the waiting requests of a closed connection. */
  closed(socket: Socket): void {
    const connection = this.connections.get(socket);
    if (!connection) return;
    this.answered(connection);
    this.connections.delete(socket);
    this.begun.add(connection.network, -1);
  }

  private fullFor(network: string): 'requests' | 'requestsOfAddress' | undefined {
    if (this.begun.refusalOf(network)) return 'requestsOfAddress';
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
