import { chatRoom, sessionRoom, userRoom, type PayloadOf, type ServerEvent } from '#contracts';
import { Injectable } from '@nestjs/common';
import type { Server } from 'socket.io';

/** The packet type of an event in Socket.IO's protocol. */
const EVENT_PACKET = 2;

/**
 * The one way to reach connected devices, from any process. Each call encodes one frame, however many devices
 * there are. Emit after commit only: what is rolled back must never have been seen.
 */
@Injectable()
export class RealtimeEmitter {
  private server?: Server;

  /** Called once by the process that holds the sockets. */
  bind(server: Server): void {
    this.server = server;
  }

  /** To every device of every participant; `exceptUser`'s devices hear nothing. */
  toChat<E extends ServerEvent>(chatId: string, event: E, payload: PayloadOf<E>, exceptUser?: string): void {
    this.broadcast(event, payload, [chatRoom(chatId)], exceptUser && userRoom(exceptUser));
  }

  /** To every device of a user, but for the one named. */
  toUser<E extends ServerEvent>(
    userId: string,
    event: E,
    payload: PayloadOf<E>,
    exceptSocket?: string,
  ): void {
    this.broadcast(event, payload, [userRoom(userId)], exceptSocket);
  }

  /** To each device that is in any of the rooms, once; to everyone connected when no rooms are named. */
  toRooms<E extends ServerEvent>(rooms: string[] | 'everyone', event: E, payload: PayloadOf<E>): void {
    this.broadcast(event, payload, rooms === 'everyone' ? [] : rooms);
  }

  /** What `server.to(…).except(…).emit(…)` comes to, without its four copies of the same two sets. */
  private broadcast(event: string, payload: object, rooms: string[], except?: string): void {
    this.server?.of('/').adapter.broadcast(
      { type: EVENT_PACKET, data: [event, payload] },
      {
        rooms: new Set(rooms),
        except: new Set(except === undefined ? [] : [except]),
      },
    );
  }

  /** From now on every device of these users hears the chat. */
  joinChat(chatId: string, userIds: string[]): void {
    if (userIds.length > 0) this.server?.in(userIds.map(userRoom)).socketsJoin(chatRoom(chatId));
  }

  leaveChat(chatId: string, userId: string): void {
    this.server?.in(userRoom(userId)).socketsLeave(chatRoom(chatId));
  }

  /** Tells the devices of a session, or of all of a user's sessions, that they are signed out, and closes them. */
  signOut(target: { sessionId: string } | { userId: string }, error: PayloadOf<'error'>): void {
    const room = 'sessionId' in target ? sessionRoom(target.sessionId) : userRoom(target.userId);
    this.server?.in(room).emit('error', error);
    this.server?.in(room).disconnectSockets(true);
  }
}
