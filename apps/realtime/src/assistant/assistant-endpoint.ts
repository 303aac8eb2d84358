import { AnswerFeed, Answers } from '#assistant';
import { AppError } from '#contracts';
import { SOCKETS, Config, Unfinished, toAppError, type AssistantMessage, type EventPacket } from '#platform';
import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import type { IncomingMessage, Server as HttpServer } from 'node:http';
import type { Duplex } from 'node:stream';
import type { BroadcastOptions } from 'socket.io-adapter';
import type { WebSocket, WebSocketServer } from 'ws';
import type { Visit } from '../connections/admission.js';
import { refuseUpgrade } from '../transport/handshakes.js';
import { BoundedSockets } from '../transport/reading.js';
import { AssistantConnection } from './assistant-connection.js';
import { AssistantServices } from './assistant-services.js';

const PATH = '/ws/chat';

/**
 * The assistant's plain WebSocket on the server of Socket.IO, whose own upgrades are left alone (contract, "The
 * assistant"). Who opens it, what it costs and when it ends; what is said is `AssistantConnection`'s.
 */
@Injectable()
export class AssistantEndpoint implements OnModuleDestroy {
  /** How often connections are asked whether they live, ms: one that has not answered by the next time is ended. */
  heartbeatMs = 25_000;
  /** How long a connection may be without a sign-in, ms. */
  signInMs: number = SOCKETS.signInTime.most;
  private readonly sockets: WebSocketServer;
  private readonly connections = new Set<AssistantConnection>();
  private heartbeat?: NodeJS.Timeout;

  constructor(
    private readonly config: Config,
    private readonly services: AssistantServices,
    private readonly feed: AnswerFeed,
    private readonly answers: Answers,
    unfinished: Unfinished,
  ) {
    this.sockets = new BoundedSockets(
      {
        noServer: true,
        // Above this a connection ends without a word.
        maxPayload: SOCKETS.packet.most.received,
        perMessageDeflate: false,
        // The connection answers a frame that is no UTF-8; ws would close it.
        skipUTF8Validation: true,
      },
      unfinished,
    );
  }

  /** `others`: paths that somebody else upgrades; there is nothing at any other. */
  listen(server: HttpServer, otherPath: string): void {
    server.on('upgrade', (request, socket, head) => {
      // Not taken for a URL: not everything that is sent as one is.
      const [pathname] = request.url!.split('?', 1) as [string];
      if (pathname === PATH && this.config.allowsOrigin(request.headers.origin))
        this.upgrade(request, socket, head);
      else if (pathname === PATH) refuseUpgrade(socket, new AppError('FORBIDDEN', 'Origin not allowed'));
      else if (!pathname.startsWith(`${otherPath}/`))
        refuseUpgrade(socket, new AppError('NOT_FOUND', 'No such route'));
    });
    this.beat();
  }

  /** What any node tells of a chat with the assistant comes by Socket.IO's adapter, as everything does. */
  broadcast({ data: [name, message] }: EventPacket): void {
    if (name !== 'assistant') return;
    const received = message as AssistantMessage;
    if ('event' in received) this.feed.deliver(received.chatId, received.event);
    else this.answers.stopHere(received.chatId);
  }

  /** Socket.IO's word for a sign-out: the rooms are sessions or users. */
  disconnectSockets({ rooms }: Pick<BroadcastOptions, 'rooms'>): void {
    for (const connection of this.connections) connection.signOut(rooms);
  }

  onModuleDestroy(): void {
    clearTimeout(this.heartbeat);
    this.endAll();
    this.sockets.close();
  }

  /** Clients come back by themselves, and are told what they have missed. */
  endAll(): void {
    for (const connection of this.connections) connection.end();
  }

  private upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { admission } = this.services;
    try {
      const visit = admission.enter(request);
      let isOpen = false;
      this.sockets.handleUpgrade(request, socket, head, (opened) => {
        isOpen = true;
        this.open(opened, visit);
      });
      // It was no WebSocket's handshake, and has been told so.
      if (!isOpen) admission.leave(visit);
    } catch (error) {
      refuseUpgrade(socket, toAppError(error));
    }
  }

  private open(socket: WebSocket, visit: Visit): void {
    const connection = new AssistantConnection(socket, this.services, visit, this.signInMs);
    this.connections.add(connection);
    this.services.metrics.connections.inc();
    socket.once('close', () => {
      this.connections.delete(connection);
      this.services.metrics.connections.dec();
    });
  }

  private beat(): void {
    this.heartbeat = setTimeout(() => {
      for (const connection of this.connections) connection.beat();
      this.beat();
    }, this.heartbeatMs).unref();
  }
}
