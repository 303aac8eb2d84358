import {
  AppError,
  AuthRefreshPayload,
  chatRoom,
  followersRoom,
  sessionRoom,
  userRoom,
  type AuthRefreshAck,
  type PayloadOf,
  type ServerEvent,
} from '#contracts';
import { Memberships, Typing } from '#chat';
import { Authenticator } from '#identity';
import { Presence } from '#presence';
import { Ties } from '#social';
import { Metrics, logger, toAppError } from '#platform';
import { ConnectedSocket, MessageBody, SubscribeMessage, type OnGatewayConnection } from '@nestjs/websockets';
import { userOf, type DeviceSocket } from './device-socket.js';
import { Gateway } from './gateway.js';

const invalidToken = () => new AppError('UNAUTHORIZED', 'Invalid token');

/** Contract, "Connecting": who comes in, what they hear first, and when they must leave. */
@Gateway()
export class ConnectionGateway implements OnGatewayConnection {
  constructor(
    private readonly authenticator: Authenticator,
    private readonly memberships: Memberships,
    private readonly presence: Presence,
    private readonly ties: Ties,
    private readonly typing: Typing,
    private readonly metrics: Metrics,
  ) {}

  handleConnection(socket: DeviceSocket): void {
    this.metrics.connections.inc();
    socket.once('disconnect', () => {
      this.metrics.connections.dec();
      clearTimeout(socket.data.expiry);
    });
    if (!socket.data.user) return this.refuse(socket, socket.data.refusal ?? invalidToken());
    socket.once('disconnecting', () => this.leave(socket));
    socket.data.opening = this.open(socket)
      .catch((error: unknown) => this.refuse(socket, toAppError(error)))
      .finally(() => (socket.data.opening = undefined));
  }

  @SubscribeMessage('auth:refresh')
  async refresh(
    @ConnectedSocket() socket: DeviceSocket,
    @MessageBody() { token }: AuthRefreshPayload,
  ): Promise<AuthRefreshAck> {
    const signedIn = await this.authenticator.authenticate(token);
    const { userId, sessionId } = userOf(socket);
    if (signedIn.userId !== userId) throw invalidToken();
    // In the room first: a revocation from here on reaches this socket, one from before is found by `connected`.
    await socket.join(sessionRoom(signedIn.sessionId));
    await this.authenticator.connected(signedIn);
    if (signedIn.sessionId !== sessionId) await socket.leave(sessionRoom(sessionId));
    socket.data.user = signedIn;
    this.endAtExpiry(socket);
    return { status: 'ok', expires_at: signedIn.expiresAt.toISOString() };
  }

  /**
   * Rooms first, then the database: a chat made, or a session revoked, after the query finds the socket in its
   * user's and session's rooms; one from before is in the answer. Nothing falls between.
   */
  private async open(socket: DeviceSocket): Promise<void> {
    const user = userOf(socket);
    await socket.join([userRoom(user.userId), sessionRoom(user.sessionId)]);
    this.endAtExpiry(socket);
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
    const about = { user_id: user.userId, timestamp: new Date().toISOString() };
    emit(socket, 'connected', { socket_id: socket.id, ...about });
    emit(socket, 'sync:required', { ...about, reason });
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
    this.presence.disconnected(userId, socket.id, toBeTold(socket.rooms));
    this.typing.stopAll(socket.id);
    logger.info({ socket_id: socket.id, user_id: userId }, 'disconnected');
  }

  private endAtExpiry(socket: DeviceSocket): void {
    clearTimeout(socket.data.expiry);
    if (!socket.connected) return;
    const left = userOf(socket).expiresAt.getTime() - Date.now();
    socket.data.expiry = setTimeout(
      () => this.refuse(socket, new AppError('UNAUTHORIZED', 'Token expired')),
      left,
    );
  }

  /** A refused client has to sign in anew; one that met a database away is to come back by itself. */
  private refuse(socket: DeviceSocket, error: AppError): void {
    this.metrics.errors.inc({ code: error.code });
    emit(socket, 'error', error.toBody());
    if (error.code === 'UNAUTHORIZED') socket.disconnect(true);
    else socket.conn.close();
  }
}

const FOLLOWED = followersRoom('');

/** Of a device's rooms, those in whose names others hear that its user comes and goes: chats, and whom it follows. */
const toBeTold = (rooms: Iterable<string>): string[] =>
  [...rooms].flatMap((room) => {
    if (room.startsWith(FOLLOWED)) return [userRoom(room.slice(FOLLOWED.length))];
    return room.startsWith(chatRoom('')) ? [room] : [];
  });

const emit = <E extends ServerEvent>(socket: DeviceSocket, event: E, payload: PayloadOf<E>) =>
  socket.emit(event, payload);
