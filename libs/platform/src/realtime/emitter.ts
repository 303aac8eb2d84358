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

/** A packet to rooms, in the form of the socket server's adapter and encoder. */
export interface EventPacket {
  type: typeof EVENT_PACKET;
  data: [event: string, payload?: unknown];
  /** The payloads of many events with one name, in place of a single payload. */
  each?: object[];
  /** Fields only for the devices in this room, appended to the payload. */
  own?: { room: string; fields: object };
}

/**
 * A message between nodes about a chat with the assistant: an event for connections that have it open, or a stop of the
 * answer.
 */
export type AssistantMessage = { chatId: string } & ({ event: AssistantEvent } | { stop: true });

/**
 * Publishes events to connected devices, from any process and to all nodes. Each call encodes one frame, however many
 * devices receive it. Publish only after the commit: clients must never see changes that are rolled back.
 */
@Injectable()
export class RealtimeEmitter implements OnModuleInit, BeforeApplicationShutdown, OnApplicationShutdown {
  private server?: Server;
  private readonly broker?: ClusterBroker;
  /** Set by the process that holds sockets: called when it may have missed commands of other nodes. */
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

  /** Sends to every device of every participant. */
  toChat<E extends ServerEvent>(chatId: string, event: E, payload: PayloadOf<E>): void {
    this.broadcast({ data: [event, payload] }, [chatRoom(chatId)]);
  }

  /** Sends to every device of every participant; only the devices of `userId` receive `fields`. */
  toChatAndOwn<E extends ServerEvent>(
    chatId: string,
    event: E,
    payload: PayloadOf<E>,
    userId: string,
    fields: Partial<PayloadOf<E>>,
  ): void {
    this.broadcast({ data: [event, payload], own: { room: userRoom(userId), fields } }, [chatRoom(chatId)]);
  }

  /** Sends to every device of a user, except the given one. */
  toUser<E extends ServerEvent>(
    userId: string,
    event: E,
    payload: PayloadOf<E>,
    exceptSocket?: string,
  ): void {
    this.broadcast({ data: [event, payload] }, [userRoom(userId)], exceptSocket);
  }

  /** Sends many events of one name, in order, to every device of a user. */
  toUserEach<E extends ServerEvent>(userId: string, event: E, payloads: PayloadOf<E>[]): void {
    this.broadcast({ data: [event], each: payloads }, [userRoom(userId)]);
  }

  /**
   * Sends once to each device that is in any of the rooms and in none of `except`. Without rooms, to every device.
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
   * Makes each node show a chat to its connected members, as each of them sees it, without those of `except`. The size
   * of the command does not depend on the size of the chat.
   */
  chatChanged(chatId: string, except: string[] = []): void {
    this.everywhere({ name: 'chatChanged', rooms: [], except: except.map(userRoom), what: chatRoom(chatId) });
  }

  /** The number of devices of this process in the room of a chat. */
  audience(chatId: string): number {
    return this.local()?.audience(chatRoom(chatId)) ?? 0;
  }

  /** How many devices of a user this process has. */
  devicesOf(userId: string): number {
    return this.local()?.audience(userRoom(userId)) ?? 0;
  }

  /** Makes each node end the typing indicators of users in all chats. */
  typingEnds(userIds: string[]): void {
    this.everywhere({ name: 'typingEnds', rooms: userIds.map(userRoom) });
  }

  /** Sends to devices of older clients, which receive a direct chat when it is opened, not with its first message. */
  chatOpened(userIds: string[], chat: PayloadOf<'chat:created'>): void {
    this.broadcast({ data: ['chat:opened', chat] }, userIds.map(userRoom));
  }

  /** Sends to every connection with this assistant chat open, on any node. They are plain WebSockets. */
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
   * Users entered or left a room whose members the database decides: their devices must read their subscriptions again.
   */
  membershipChanged(room: string, ...userIds: string[]): void {
    if (userIds.length > 0)
      this.everywhere({ name: 'refreshSubscriptions', rooms: userIds.map(userRoom), what: room });
  }

  /** Notifies the devices of a session, or of all sessions of a user, that they are signed out, and closes them. */
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
