import { AppError } from '#contracts';
import { SOCKETS, Config, Metrics, Unfinished, logger } from '#platform';
import { Hub } from '#realtime';
import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import type { Server as HttpServer } from 'node:http';
import type { WebSocket } from 'ws';
import { Admission } from '../connections/admission.js';
import { refuseUpgrade, visitOf } from '../transport/handshakes.js';
import { insideOf } from '../transport/internals.js';
import { BoundedSockets } from '../transport/reading.js';
import { AssistantConnection } from './assistant-connection.js';
import { AssistantDispatcher } from './assistant-dispatcher.js';
import { AssistantSignIn } from './assistant-sign-in.js';

const PATH = '/ws/chat';

/**
 * The assistant's plain WebSocket on the server of Socket.IO, whose own upgrades are not affected. It handles the
 * opening, limits and end of connections; `AssistantDispatcher` handles their frames.
 */
@Injectable()
export class AssistantEndpoint implements OnModuleDestroy {
  /** Interval of heartbeats, ms: a connection that has not answered by the next one is closed. */
  heartbeatMs = 25_000;
  private readonly sockets: BoundedSockets;
  private readonly connections = new Set<AssistantConnection>();
  private heartbeat?: NodeJS.Timeout;

  constructor(
    private readonly config: Config,
    private readonly hub: Hub,
    private readonly signIn: AssistantSignIn,
    private readonly dispatcher: AssistantDispatcher,
    private readonly metrics: Metrics,
    unfinished: Unfinished,
    admission: Admission,
  ) {
    this.sockets = new BoundedSockets(
      {
        noServer: true,
        // A larger frame closes the connection without an answer.
        maxPayload: SOCKETS.packet.most.received,
        perMessageDeflate: false,
        // The connection answers a frame that is not UTF-8; ws would close it.
        skipUTF8Validation: true,
      },
      unfinished,
      admission,
    );
  }

  /** `otherPath`: the path of Socket.IO's upgrades; all other paths are refused. */
  listen(server: HttpServer, otherPath: string): void {
    server.on('upgrade', (request, socket, head) => {
      // Not parsed as a URL: the text may be invalid.
      const [pathname] = request.url!.split('?', 1) as [string];
      if (pathname === PATH && this.config.allowsOrigin(request.headers.origin))
        this.sockets.handleUpgrade(request, socket, head, (opened) => this.open(opened));
      else if (pathname === PATH) refuseUpgrade(socket, new AppError('FORBIDDEN', 'Origin not allowed'));
      else if (!pathname.startsWith(`${otherPath}/`))
        refuseUpgrade(socket, new AppError('NOT_FOUND', 'No such route'));
    });
    this.beat();
  }

  onModuleDestroy(): void {
    clearTimeout(this.heartbeat);
    this.endAll();
    this.sockets.close();
  }

  /** Clients reconnect by themselves, and receive the events they missed. */
  endAll(): void {
    for (const connection of this.connections) connection.end();
  }

  private open(socket: WebSocket): void {
    const visit = visitOf(insideOf(socket)._socket!);
    const connection = new AssistantConnection(socket, visit, this.hub, this.metrics);
    this.connections.add(connection);
    this.metrics.connections.inc();
    socket.on('message', (data) => this.dispatcher.receive(connection, data as Buffer));
    // After an invalid frame, the socket closes by itself.
    socket.on('error', (err) =>
      logger.debug({ err: err.message, socket_id: connection.id }, 'assistant socket error'),
    );
    socket.once('close', () => {
      this.signIn.end(connection);
      this.connections.delete(connection);
      this.metrics.connections.dec();
    });
    this.signIn.await(connection);
    connection.reply({ type: 'connected', data: { message: 'WebSocket connection established' } });
  }

  private beat(): void {
    this.heartbeat = setTimeout(() => {
      for (const connection of this.connections) connection.beat();
      this.beat();
    }, this.heartbeatMs).unref();
  }
}
