import { assistantRoom, chatRoom, sessionRoom, userRoom } from './rooms.js';
import { type PayloadOf, type AssistantEvent, type ServerEvent } from '#contracts';
import {
  Injectable,
  type BeforeApplicationShutdown,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import type { Server } from 'socket.io';
import { Metrics } from '../observability/metrics.js';
import { NodeRegistry } from './node-registry.js';
import { applyCommand, type NodeCommand, type Sockets } from './node-command.js';
import { ClusterBroker } from './cluster-broker.js';
import { RedisConnections } from '../redis/redis.js';

/** The packet type of an event in Socket.IO's protocol. */
const EVENT_PACKET = 2;

/** What goes to rooms, as the socket server's adapter and encoder take it. */
export interface EventPacket {
  type: typeof EVENT_PACKET;
  data: [event: string, payload?: unknown];
  /** Many events of one name at once, in place of the payload. */
  each?: object[];
  /** Fields that only the devices in this room get, at the end of the payload. */
  own?: { room: string; fields: object };
}

/** What the nodes tell each other of a chat with the assistant: an event for who has it open, or that it is to stop. */
export type AssistantMessage = { chatId: string } & ({ event: AssistantEvent } | { stop: true });

/**
 * The one way to reach connected devices, from any process and on any node. Each call encodes one frame, however many
 * devices there are. Emit after commit only: what is rolled back must never have been seen.
 */
@Injectable()
export class RealtimeEmitter implements OnModuleInit, BeforeApplicationShutdown, OnApplicationShutdown {
  private server?: Server;
  private readonly broker?: ClusterBroker;
  /** What the process that holds sockets does when it may have missed what another one emitted. */
  private missed?: () => void;

  constructor(redis?: RedisConnections, metrics?: Metrics, leases?: NodeRegistry) {
    if (redis?.shared)
      this.broker = new ClusterBroker(
        redis,
        metrics!,
        leases!,
        () => this.local(),
        () => this.missed?.(),
      );
  }

  async onModuleInit(): Promise<void> {
    await this.broker?.ready();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.broker?.leave();
  }

  onApplicationShutdown(): void {
    this.broker?.close();
  }

  /** Called once by a process that holds sockets. */
  bind(server: Server, missed: () => void): void {
    this.server = server;
    this.missed = missed;
  }

  /** To every device of every participant. */
  toChat<E extends ServerEvent>(chatId: string, event: E, payload: PayloadOf<E>): void {
    this.broadcast({ data: [event, payload] }, [chatRoom(chatId)]);
  }

  /** To every device of every participant, with `fields` of the payload to `userId`'s devices alone. */
  toChatAndOwn<E extends ServerEvent>(
    chatId: string,
    event: E,
    payload: PayloadOf<E>,
    userId: string,
    fields: Partial<PayloadOf<E>>,
  ): void {
    this.broadcast({ data: [event, payload], own: { room: userRoom(userId), fields } }, [chatRoom(chatId)]);
  }

  /** To every device of a user, but for the one named. */
  toUser<E extends ServerEvent>(
    userId: string,
    event: E,
    payload: PayloadOf<E>,
    exceptSocket?: string,
  ): void {
    this.broadcast({ data: [event, payload] }, [userRoom(userId)], exceptSocket);
  }

  /** Many events of one name, in order, to every device of a user. */
  toUserEach<E extends ServerEvent>(userId: string, event: E, payloads: PayloadOf<E>[]): void {
    this.broadcast({ data: [event], each: payloads }, [userRoom(userId)]);
  }

  /**
   * To each device that is in any of the rooms and in none of `except`, once; to everyone connected when no rooms
   * are named.
   */
  toRooms<E extends ServerEvent>(
    rooms: string[] | 'everyone',
    event: E,
    payload: PayloadOf<E>,
    except?: string[],
  ): void {
    this.broadcast({ data: [event, payload] }, rooms === 'everyone' ? [] : rooms, except);
  }

  /**
   * Has each node show a chat to the members who are connected there, as they see it, but for those of `except`. What is told
   * costs the same whatever the size of the chat.
   */
  chatChanged(chatId: string, except: string[] = []): void {
    this.everywhere({ name: 'chatChanged', rooms: [], except: except.map(userRoom), what: chatRoom(chatId) });
  }

  /** How many devices of this process hear a chat. */
  audience(chatId: string): number {
    return this.local()?.audience(chatRoom(chatId)) ?? 0;
  }

  /** How many devices of a user this process has. */
  devicesOf(userId: string): number {
    return this.local()?.audience(userRoom(userId)) ?? 0;
  }

  /** Has each node end what is typed in a chat there. */
  typingEnds(chatId: string): void {
    this.everywhere({ name: 'typingEnds', rooms: [], what: chatRoom(chatId) });
  }

  /** To those devices of older documents that hear of a direct chat when it is opened, not when something is said in it. */
  chatOpened(userIds: string[], chat: PayloadOf<'chat:created'>): void {
    this.broadcast({ data: ['chat:opened', chat] }, userIds.map(userRoom));
  }

  /** To every connection that has a chat with the assistant open, on any node: they are not Socket.IO's. */
  toAssistant(chatId: string, message: AssistantMessage): void {
    this.broadcast({ data: ['assistant', message] }, [assistantRoom(chatId)]);
  }

  private broadcast(packet: Omit<EventPacket, 'type'>, rooms: string[], except?: string | string[]): void {
    const what: EventPacket = { type: EVENT_PACKET, ...packet };
    this.everywhere({
      name: 'broadcast',
      rooms,
      except: typeof except === 'string' ? [except] : except,
      what,
    });
  }

  /**
   * These users came into a room of which the database says whose it is, or out of it: from now on their devices hear
   * what they are to hear by that.
   */
  membershipChanged(room: string, ...userIds: string[]): void {
    if (userIds.length > 0)
      this.everywhere({ name: 'refreshSubscriptions', rooms: userIds.map(userRoom), what: room });
  }

  /** Tells the devices of a session, or of all of a user's sessions, that they are signed out, and closes them. */
  signOut(target: { sessionId: string } | { userId: string }, error: PayloadOf<'error'>): void {
    const room = 'sessionId' in target ? sessionRoom(target.sessionId) : userRoom(target.userId);
    this.toRooms([room], 'error', error);
    this.everywhere({ name: 'disconnectSockets', rooms: [room] });
  }

  private everywhere(command: NodeCommand): void {
    const local = this.local();
    if (local) applyCommand(command, local);
    this.broker?.publish(command);
  }

  private local(): Sockets | undefined {
    return this.server?.of('/').adapter as Sockets | undefined;
  }
}
