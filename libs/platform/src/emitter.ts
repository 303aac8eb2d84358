import { chatRoom, sessionRoom, userRoom, type PayloadOf, type ServerEvent } from '#contracts';
import { Injectable } from '@nestjs/common';
import type { Server } from 'socket.io';

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
    const room = this.server?.to(chatRoom(chatId));
    (exceptUser ? room?.except(userRoom(exceptUser)) : room)?.emit(event, payload);
  }

  /** To every device of a user, but for the one named. */
  toUser<E extends ServerEvent>(
    userId: string,
    event: E,
    payload: PayloadOf<E>,
    exceptSocket?: string,
  ): void {
    const room = this.server?.to(userRoom(userId));
    (exceptSocket ? room?.except(exceptSocket) : room)?.emit(event, payload);
  }

  /** To each device that is in any of the rooms, once; to everyone connected when no rooms are named. */
  toRooms<E extends ServerEvent>(rooms: string[] | 'everyone', event: E, payload: PayloadOf<E>): void {
    (rooms === 'everyone' ? this.server : this.server?.to(rooms))?.emit(event, payload);
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
