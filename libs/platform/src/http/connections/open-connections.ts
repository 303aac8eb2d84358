import {
  Injectable,
  type BeforeApplicationShutdown,
  type OnModuleDestroy,
  type OnModuleInit,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { BEFORE_SIGN_IN } from '../../limits/budgets/index.js';
import { Config } from '../../config/config.js';
import { Metrics } from '../../observability/metrics.js';
import { endEarlyAnswered, endUnreadAnswers } from './deadlines.js';
import { boundIdle } from './idle-connections.js';
import { boundNewConnections } from './new-connections.js';
import { RequestsInWork } from './requests-in-work.js';
import { boundUnanswered } from './unanswered.js';
import { Unfinished } from './unfinished.js';
import { Unread, type Waiting } from './unread.js';
import { ignoreOtherUpgrades } from './upgrades.js';

/** How long open requests may take after the server begins to close, ms. */
const LET_END_MS = 700;

/**
 * A closing server waits for its connections, and a client may never end one: a partial request, a socket that it does
 * not read. These are closed, so that a stop ends.
 */
@Injectable()
export class OpenConnections implements OnModuleInit, OnModuleDestroy, BeforeApplicationShutdown {
  /** When true, a connection is closed after its current answer. */
  areEnding = false;
  private readonly open = new Set<Socket>();

  constructor(
    private readonly host: HttpAdapterHost,
    private readonly config: Config,
    private readonly metrics: Metrics,
    private readonly requests: RequestsInWork,
    private readonly unfinished: Unfinished,
    private readonly unread: Unread,
  ) {}

  onModuleInit(): void {
    const server = this.host.httpAdapter.getHttpServer() as Server;
    const { open, requests, unfinished, unread } = this;
    const { timeouts } = this.metrics;
    const { TRUSTED_PROXIES, CONNECTIONS_PER_ADDRESS } = this.config;
    // A proxy's address is that of all its clients.
    if (TRUSTED_PROXIES === 0) {
      const { newConnections } = BEFORE_SIGN_IN;
      const ofOne = CONNECTIONS_PER_ADDRESS * newConnections.most;
      boundNewConnections(server, ofOne, () => this.metrics.refuse(newConnections));
    }
    ignoreOtherUpgrades(server);
    unfinished.watch(server);
    boundUnanswered(server, () => this.metrics.refuse(BEFORE_SIGN_IN.requestsOfConnection));
    boundIdle(server, () => this.metrics.refuse(BEFORE_SIGN_IN.idleConnections));
    endEarlyAnswered(server);
    endUnreadAnswers(server, () => timeouts.inc({ phase: 'answer' }));
    server.on('clientError', ({ code }: NodeJS.ErrnoException) => {
      if (code === 'ERR_HTTP_REQUEST_TIMEOUT') timeouts.inc({ phase: 'request' });
    });
    // One function for all connections, since there are many.
    const onClose = function (this: Socket) {
      open.delete(this);
      requests.closed(this);
      unfinished.release(this);
    };
    server.on('connection', (socket: Socket) => open.add(socket) && socket.on('close', onClose));
    unread.count(() => {
      const waiting: Waiting[] = [];
      for (const socket of open) {
        const bytes = socket.writableLength;
        if (bytes > 0) waiting.push({ bytes, end: () => socket.destroy() });
      }
      return waiting;
    });
    const looking = unread.watch();
    server.on('close', () => clearInterval(looking));
  }

  onModuleDestroy(): void {
    this.areEnding = true;
  }

  beforeApplicationShutdown(): void {
    setTimeout(() => {
      for (const socket of this.open) socket.destroy();
    }, LET_END_MS).unref();
  }
}
