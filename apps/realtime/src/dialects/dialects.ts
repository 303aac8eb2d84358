import type { AppError } from '#contracts';
import { Typing } from '#chat';
import { Reads } from '#platform';
import { Presence } from '#presence';
import { Injectable } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import type { Namespace, Server } from 'socket.io';
import { Connections, type ConnectionObserver } from '../connections/connections.js';
import type { DeviceAdapter } from '../delivery/device-adapter.js';
import { userOf, type DeviceSocket } from '../connections/device-socket.js';
import { EventDispatcher, type ProtocolRules } from '../events/event-dispatcher.js';
import { JoinedChats } from '../delivery/joined-chats.js';
import { chatBasic } from './chat-basic/chat-basic.js';
import { DialectAdapter } from './dialect-adapter.js';
import type { Call, Dialect } from './dialect.js';
import { messengerClassic } from './messenger-classic/messenger-classic.js';
import { messenger } from './messenger/messenger.js';

/** Runs the dialects: each on its own namespace, over the same commands. */
@Injectable()
export class Dialects {
  /** Namespaces whose devices a stop disconnects, instead of closing their transports. */
  readonly returning: Namespace[] = [];

  constructor(
    private readonly connections: Connections,
    private readonly answering: EventDispatcher,
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
    private readonly typing: Typing,
    private readonly presence: Presence,
    private readonly joined: JoinedChats,
    private readonly reads: Reads,
  ) {}

  /** From here on, devices can connect, and enter the same rooms as devices of `/`. */
  open(server: Server): Namespace[] {
    const { mirrors: mirrors } = server.of('/').adapter as DeviceAdapter;
    return [messenger(), messengerClassic(), chatBasic()].map((dialect) => {
      const namespace = server.of(dialect.namespace);
      namespace.adapter = new DialectAdapter(namespace, dialect.server);
      mirrors.push(namespace.adapter);
      if (dialect.returnsWhenDisconnected) this.returning.push(namespace);
      namespace.use((socket, next) => {
        this.connections
          .signIn(socket as DeviceSocket)
          .then(() => next(handshakeError(socket, dialect)), next);
      });
      const observer = observerOf(dialect);
      namespace.on('connection', (socket: DeviceSocket) => {
        if (socket.data.user) this.listen(socket, dialect);
        this.connections.accept(socket, observer);
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
    socket.use((args) => void this.answering.dispatch(socket, rules, args));
  }

  private callOf(socket: DeviceSocket): Call {
    const { userId } = userOf(socket);
    return {
      userId,
      run: (command) => this.commands.execute(command),
      ask: (query) => this.reads.run(userId, () => this.queries.execute(query)),
      setTyping: (chatId, isTyping) => this.typing.report(chatId, userId, socket, isTyping),
      join: (chatId, open) => this.joined.join(socket, chatId, open),
      leave: (chatId) => {
        this.typing.stop(chatId, socket.id);
        this.joined.leave(socket, chatId);
      },
      present: (ids) => this.presence.present(ids),
      emit: (event, payload) => void socket.emit(event, payload),
    };
  }
}

const observerOf = (dialect: Dialect): ConnectionObserver => ({
  onAccepted(socket) {
    for (const [event, payload] of dialect.welcome(userOf(socket).userId)) socket.emit(event, payload);
  },
  // No dialect has such an event, but all their clients load missed messages when they reconnect.
  onMissed(socket) {
    if (dialect.returnsWhenDisconnected) socket.disconnect();
    else socket.conn.close();
  },
  onRejected(socket, error) {
    socket.emit('error', errorEvent(dialect, error));
  },
});

/** An unavailable database is no reason to sign in again: another message makes the client retry. */
function handshakeError({ data: { refusal } }: Pick<DeviceSocket, 'data'>, dialect: Dialect) {
  if (!refusal || !dialect.handshakeError) return undefined;
  return new Error(refusal.code === 'UNAUTHORIZED' ? dialect.handshakeError : refusal.message);
}

const errorEvent = (dialect: Dialect, error: AppError) => {
  const message = worded(dialect, error);
  return { message, error: message };
};

/** The dialect's message, or ours. A message about a field uses the dialect's name of the field. */
function worded({ words, fields = {} }: Dialect, { code, reason, message }: AppError): string {
  if (code !== 'INVALID_DATA') return (reason && words[reason]) ?? words[code] ?? message;
  return message.replace(
    /^\w+/,
    (field) => fields[field] ?? field.replace(/_(\w)/g, (_, c: string) => c.toUpperCase()),
  );
}
