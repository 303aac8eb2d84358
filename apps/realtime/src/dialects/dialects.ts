import { Typing } from '#chat';
import { Reads } from '#platform';
import { Presence } from '#presence';
import { Injectable } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import type { Namespace, Server } from 'socket.io';
import { Connections } from '../connections/connections.js';
import { userOf, type DeviceSocket } from '../connections/device-connection.js';
import { DeviceSignIn } from '../connections/device-sign-in.js';
import { EventDispatcher, type ProtocolRules } from '../events/event-dispatcher.js';
import { JoinedChats } from '../delivery/joined-chats.js';
import { chatBasic } from './chat-basic/chat-basic.js';
import { errorEvent, handshakeError, worded } from './dialect-errors.js';
import { DialectProtocol } from './dialect-protocol.js';
import type { Call, Dialect } from './dialect.js';
import { messengerClassic } from './messenger-classic/messenger-classic.js';
import { messenger } from './messenger/messenger.js';

/** Runs the dialects: each on its own namespace, over the same commands. */
@Injectable()
export class Dialects {
  /** Namespaces whose devices a stop disconnects, instead of closing their transports. */
  readonly returning: Namespace[] = [];

  constructor(
    private readonly deviceSignIn: DeviceSignIn,
    private readonly connections: Connections,
    private readonly dispatcher: EventDispatcher,
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
    private readonly typing: Typing,
    private readonly presence: Presence,
    private readonly joined: JoinedChats,
    private readonly reads: Reads,
  ) {}

  /** From here on, devices can connect. */
  open(server: Server): Namespace[] {
    return [messenger, messengerClassic, chatBasic].map((dialectOf) => {
      const dialect = dialectOf();
      const namespace = server.of(dialect.namespace);
      // Each has a dialect of its own: a dialect may remember what its devices have received.
      const [all, joined] = [false, true].map(
        (isScoped) => new DialectProtocol(namespace, dialectOf(), isScoped),
      );
      if (dialect.returnsWhenDisconnected) this.returning.push(namespace);
      namespace.use((socket: DeviceSocket, next) => {
        this.deviceSignIn
          .signIn(socket, { all: all!, joined: joined! })
          .then((refusal) => next(handshakeError(refusal, dialect)), next);
      });
      namespace.on('connection', (socket: DeviceSocket) => {
        if (socket.data.connection) this.listen(socket, dialect);
        this.connections.accept(socket, all!);
      });
      return namespace;
    });
  }

  private listen(socket: DeviceSocket, dialect: Dialect): void {
    const call = this.callOf(socket);
    const { client } = dialect;
    const rules: ProtocolRules = {
      handlers: {
        get: (event) =>
          Object.hasOwn(client, event)
            ? async (payload) => client[event]!((payload ?? {}) as Record<string, unknown>, call)
            : undefined,
      },
      fewestArgs: 0,
      refusal: (error, event) => ({
        ack: dialect.refused(worded(dialect, error), event),
        event: errorEvent(dialect, error),
      }),
    };
    this.dispatcher.answer(socket, rules);
  }

  private callOf(socket: DeviceSocket): Call {
    const connection = socket.data.connection!;
    const { userId } = userOf(socket);
    return {
      userId,
      run: (command) => this.commands.execute(command),
      ask: (query) => this.reads.run(userId, () => this.queries.execute(query)),
      setTyping: (chatId, isTyping) => this.typing.report(chatId, userId, socket, isTyping),
      join: (chatId, open) => this.joined.join(connection, chatId, open),
      leave: (chatId) => {
        this.typing.stop(chatId, socket.id);
        this.joined.leave(connection, chatId);
      },
      present: (ids) => this.presence.present(ids),
      emit: (event, payload) => void socket.emit(event, payload),
    };
  }
}
