import { AppError, chatRoom, followersRoom, sessionRoom, userRoom, type SYNC_REASONS } from '#contracts';
import { Memberships, Typing } from '#chat';
import { Authenticator } from '#identity';
import { Presence } from '#presence';
import { Ties } from '#social';
import { Metrics, logger, toAppError } from '#platform';
import { Injectable } from '@nestjs/common';
import type { DisconnectReason, Server } from 'socket.io';
import { atTime } from './at-time.js';
import { userOf, type DeviceSocket } from './device-socket.js';

export const invalidToken = () => new AppError('UNAUTHORIZED', 'Invalid token');

/** What a device of a namespace is told when it comes, and when it must leave. */
export interface Greeting {
  welcome(socket: DeviceSocket, reason: (typeof SYNC_REASONS)[number]): void;
  turnAway(socket: DeviceSocket, error: AppError): void;
}

/** Contract, "Connecting": who comes in, in which rooms they are, and when they must leave. */
@Injectable()
export class Connections {
  constructor(
    private readonly authenticator: Authenticator,
    private readonly memberships: Memberships,
    private readonly presence: Presence,
    private readonly ties: Ties,
    private readonly typing: Typing,
    private readonly metrics: Metrics,
  ) {
    presence.toldTo(async (userId) => toBeTold(await this.roomsOf(userId)));
  }

  /** Finds out who it is, before any of its events can arrive. */
  async signIn(socket: DeviceSocket): Promise<void> {
    const { token } = socket.handshake.auth as { token?: unknown };
    const given = token ?? socket.handshake.headers.authorization;
    try {
      if (typeof given !== 'string') throw invalidToken();
      socket.data.user = await this.authenticator.authenticate(given);
    } catch (error) {
      socket.data.refusal = toAppError(error);
    }
  }

  /** Takes in a device that has signed in; any other is turned away. */
  take(socket: DeviceSocket, greeting: Greeting): void {
    this.metrics.connections.inc();
    socket.once('disconnect', (reason) => {
      this.metrics.connections.dec();
      socket.data.cancelExpiry?.();
      if (reason === ENDED_BY_US) endIfUnused(socket);
    });
    if (!socket.data.user) return this.refuse(socket, greeting, socket.data.refusal ?? invalidToken());
    socket.once('disconnecting', () => this.leave(socket));
    socket.data.opening = this.open(socket, greeting)
      .catch((error: unknown) => this.refuse(socket, greeting, toAppError(error)))
      .finally(() => (socket.data.opening = undefined));
  }

  /** What others did may have been missed here: every device is to look for itself. */
  resync(server: Server): void {
    for (const socket of server.of('/').sockets.values() as Iterable<DeviceSocket>) {
      const { user } = socket.data;
      if (!user) continue;
      const timestamp = new Date().toISOString();
      socket.emit('sync:required', { user_id: user.userId, timestamp, reason: 'reconnection' });
    }
  }

  endAtExpiry(socket: DeviceSocket, greeting: Greeting): void {
    socket.data.cancelExpiry?.();
    if (!socket.connected) return;
    socket.data.cancelExpiry = atTime(userOf(socket).expiresAt, () =>
      this.refuse(socket, greeting, new AppError('UNAUTHORIZED', 'Token expired')),
    );
  }

  /**
   * Rooms first, then the database: a chat made, or a session revoked, after the query finds the socket in its
   * user's and session's rooms; one from before is in the answer. Nothing falls between.
   */
  private async open(socket: DeviceSocket, greeting: Greeting): Promise<void> {
    const user = userOf(socket);
    await socket.join([userRoom(user.userId), sessionRoom(user.sessionId)]);
    this.endAtExpiry(socket, greeting);
    const [reason, found] = await Promise.all([
      this.authenticator.connected(user),
      this.roomsOf(user.userId),
    ]);
    if (!socket.connected) return;
    await socket.join(found);
    socket.data.openedAt = performance.now();
    // A removal between the answer and the joining has found no room to be left: look once more.
    const current = new Set(await this.roomsOf(user.userId));
    for (const room of found) if (!current.has(room)) await socket.leave(room);
    if (!socket.connected) return;
    this.presence.connected(user.userId, socket.id, toBeTold(current));
    if (reason !== 'connection_established') this.metrics.reconnections.inc();
    greeting.welcome(socket, reason);
    logger.info({ socket_id: socket.id, user_id: user.userId, reason }, 'connected');
  }

  /** What the user's devices hear, beside what is meant for the user or the session. */
  private async roomsOf(userId: string): Promise<string[]> {
    const [chatIds, ties] = await Promise.all([
      this.memberships.chatIdsOf(userId),
      this.ties.roomsOf(userId),
    ]);
    return [...chatIds.map(chatRoom), ...ties];
  }

  private leave(socket: DeviceSocket): void {
    const { userId } = userOf(socket);
    this.presence.disconnected(userId, socket.id);
    this.typing.stopAll(socket.id);
    logger.info({ socket_id: socket.id, user_id: userId }, 'disconnected');
  }

  /** A refused client has to sign in anew; one that met a database away is to come back by itself. */
  private refuse(socket: DeviceSocket, greeting: Greeting, error: AppError): void {
    this.metrics.errors.inc({ code: error.code });
    greeting.turnAway(socket, error);
    if (error.code === 'UNAUTHORIZED') socket.disconnect();
    else socket.conn.close();
  }
}

const ENDED_BY_US: DisconnectReason = 'server namespace disconnect';

/** What of Socket.IO's client is used here beyond its types: what one connection carries, of all namespaces. */
interface Carrying {
  sockets: Map<string, unknown>;
}

/** One connection may carry devices of several namespaces, each with a token of its own: the others go on. */
function endIfUnused({ client, conn }: DeviceSocket): void {
  if ((client as unknown as Carrying).sockets.size === 0) conn.close();
}

const FOLLOWED = followersRoom('');

/** Of a device's rooms, those in whose names others hear that its user comes and goes: chats, and whom it follows. */
const toBeTold = (rooms: Iterable<string>): string[] =>
  [...rooms].flatMap((room) => {
    if (room.startsWith(FOLLOWED)) return [userRoom(room.slice(FOLLOWED.length))];
    return room.startsWith(chatRoom('')) ? [room] : [];
  });
