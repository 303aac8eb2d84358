import type { AppError } from '#contracts';
import { SOCKETS, Config, Metrics, RequestsInWork, Unfinished, Unread } from '#platform';
import { EventPublisher, Hub } from '#realtime';
import type { INestApplication, WsMessageHandler } from '@nestjs/common';
import { IoAdapter } from '@nestjs/platform-socket.io';
import type { Server as HttpServer } from 'node:http';
import { Server, type ServerOptions } from 'socket.io';
import type { ServerOptions as WebSocketOptions } from 'ws';
import { Admission } from '../connections/admission.js';
import { AssistantEndpoint } from '../assistant/assistant-endpoint.js';
import { fixClosedPolls } from './engineio-polling-close-fix.js';
import { boundPackets } from './bounded-parser.js';
import { Connections } from '../connections/connections.js';
import { DeviceSignIn } from '../connections/device-sign-in.js';
import { nameRedaction } from '../delivery/name-redaction.js';
import { NoRoomsAdapter } from './no-rooms-adapter.js';
import { V2Protocol, type DeviceSocket } from '../connections/device-connection.js';
import { Dialects } from '../dialects/dialects.js';
import { EventDispatcher, type EventHandler } from '../events/event-dispatcher.js';
import { disconnectSlow, coalesceWrites, unreadOf } from './write-coalescing.js';
import { GracefulStop } from '../connections/graceful-stop.js';
import { admitHandshakes, startPollsInTurn } from './handshakes.js';
import { BoundedSockets } from './reading.js';
import { textParser } from './text-parser.js';

/** An error as acknowledgement and event. */
const refusal = (error: AppError) => {
  const event = error.toBody();
  return { ack: { status: 'error', ...event }, event };
};

/** Nest's gateways on Socket.IO: one server, only signed-in sockets, every event answered. */
export class SocketAdapter extends IoAdapter {
  /** The handlers of all gateways. */
  private readonly handlers = new Map<string, EventHandler>();
  private readonly config: Config;

  constructor(private readonly app: INestApplication) {
    super(app);
    this.config = app.get(Config);
  }

  override createIOServer(port: number, options?: ServerOptions): Server {
    const unfinished = this.app.get(Unfinished);
    const admission = this.app.get(Admission);
    const settings: Partial<ServerOptions> = {
      cors: { origin: this.config.corsOrigin(), credentials: this.config.corsOrigin() !== '*' },
      allowRequest: ({ headers }, decide) =>
        decide('Origin not allowed', this.config.allowsOrigin(headers.origin)),
      parser: textParser,
      allowEIO3: this.config.ALLOW_EIO3 === 'true',
      adapter: NoRoomsAdapter,
      // A larger message closes the connection without an answer, so it is far above the 64 KiB that are answered.
      maxHttpBufferSize: SOCKETS.packet.most.received,
      wsEngine: class extends BoundedSockets {
        constructor(own: WebSocketOptions) {
          super(own, unfinished, admission);
        }
      },
      connectTimeout: SOCKETS.connectTime.most,
      pingInterval: 25_000,
      pingTimeout: 60_000,
      serveClient: false,
      // Upgrades on other paths are answered elsewhere.
      destroyUpgrade: false,
    };
    const server = super.createIOServer(port, { ...options, ...settings } as ServerOptions);
    const { slowConsumers: countSlow } = this.app.get(Metrics);
    startPollsInTurn(server.engine, this.app.get(RequestsInWork), admission);
    admitHandshakes(server.engine, admission);
    boundPackets(server.engine);
    const blocked = coalesceWrites(server.engine, () => countSlow.inc());
    const looking = disconnectSlow(server.engine, () => countSlow.inc());
    server.httpServer.on('close', () => clearInterval(looking));
    this.app.get(Unread).count(() => unreadOf(blocked, () => countSlow.inc()));
    fixClosedPolls(server.engine);
    const namespace = server.of('/');
    const protocol = new V2Protocol(namespace);
    const [deviceSignIn, connections] = [this.app.get(DeviceSignIn), this.app.get(Connections)];
    // A refused socket is accepted first, since clients expect an `error` event.
    server.use((socket: DeviceSocket, next) => {
      deviceSignIn.signIn(socket, { all: protocol, joined: protocol }).then(() => next(), next);
    });
    for (const each of [namespace, ...this.app.get(Dialects).open(server)]) deviceSignIn.takeOneAtATime(each);
    this.app.get(Hub).redaction = nameRedaction;
    this.app.get(GracefulStop).watch(server);
    const assistant = this.app.get(AssistantEndpoint);
    const dispatcher = this.app.get(EventDispatcher);
    const rules = { handlers: this.handlers, fewestArgs: 1, refusal } as const;
    server.on('connection', (socket: DeviceSocket) => {
      if (socket.data.connection) dispatcher.answer(socket, rules);
      connections.accept(socket, protocol);
    });
    this.app.get(EventPublisher).receive(() => {
      connections.resync();
      assistant.endAll();
    });
    assistant.listen(server.httpServer as HttpServer, server.path());
    return server;
  }

  /** Once per gateway. Nest would bind its handlers to every device, which took a quarter of a device's memory. */
  override bindClientConnect(_server: Server, bind: (client: object) => void): void {
    bind({});
  }

  /** No gateway uses it. */
  override bindClientDisconnect(): void {}

  override bindMessageHandlers(_client: object, gateway: WsMessageHandler[]): void {
    for (const { message, callback } of gateway) this.handlers.set(String(message), callback as EventHandler);
  }
}
