import { sessionRoom } from '#platform';
import {
  AuthRefreshPayload,
  type AppError,
  type AuthRefreshAck,
  type PayloadOf,
  type ServerEvent,
} from '#contracts';
import { Authenticator, invalidToken, type Claims, type Connected } from '#identity';
import { MessageBody, SubscribeMessage } from '@nestjs/websockets';
import { Connections, type ConnectionObserver } from './connections.js';
import { userOf, type DeviceSocket } from './device-socket.js';
import { Device, Gateway } from '../events/gateway.js';

/** Opens and closes devices of namespace `/`, and replaces their tokens. */
@Gateway()
export class ConnectionGateway implements ConnectionObserver {
  constructor(
    private readonly authenticator: Authenticator,
    private readonly connections: Connections,
  ) {}

  @SubscribeMessage('auth:refresh')
  async refresh(
    @Device() socket: DeviceSocket,
    @MessageBody() { token }: AuthRefreshPayload,
  ): Promise<AuthRefreshAck> {
    const claims = this.authenticator.verify(token);
    if (claims.userId !== userOf(socket).userId) throw invalidToken();
    // Sequentially: each leaves the room of a session that another one may be entering.
    const replaced = Promise.resolve(socket.data.refreshed).then(() => this.replaceToken(socket, claims));
    socket.data.refreshed = replaced.catch(() => undefined);
    await replaced;
    return { status: 'ok', expires_at: claims.expiresAt.toISOString() };
  }

  private async replaceToken(socket: DeviceSocket, claims: Claims): Promise<void> {
    const { sessionId } = userOf(socket);
    // The room first: a later revocation reaches this socket, an earlier one is found by `connected`.
    await socket.join(sessionRoom(claims.sessionId));
    try {
      this.connections.renew(socket, (await this.authenticator.connected(claims)).user);
    } finally {
      const current = userOf(socket).sessionId;
      for (const id of [sessionId, claims.sessionId]) if (id !== current) await socket.leave(sessionRoom(id));
    }
  }

  onAccepted(socket: DeviceSocket, reason: Connected['reason']): void {
    const about = { user_id: userOf(socket).userId, timestamp: new Date().toISOString() };
    emit(socket, 'connected', { socket_id: socket.id, ...about });
    emit(socket, 'sync:required', { ...about, reason });
  }

  onMissed(socket: DeviceSocket): void {
    const about = { user_id: userOf(socket).userId, timestamp: new Date().toISOString() };
    emit(socket, 'sync:required', { ...about, reason: 'reconnection' });
  }

  onRejected(socket: DeviceSocket, error: AppError): void {
    emit(socket, 'error', error.toBody());
  }
}

const emit = <E extends ServerEvent>(socket: DeviceSocket, event: E, payload: PayloadOf<E>) =>
  socket.emit(event, payload);
