import { Hub, sessionTopic } from '#realtime';
import { AuthRefreshPayload, type AuthRefreshAck } from '#contracts';
import { Authenticator, invalidToken, type Claims } from '#identity';
import { KeyedQueue } from '#platform';
import { MessageBody, SubscribeMessage } from '@nestjs/websockets';
import { Connections } from './connections.js';
import { userOf, type DeviceConnection, type DeviceSocket } from './device-connection.js';
import { Device, Gateway } from '../events/gateway.js';

/** Replaces the tokens of devices. */
@Gateway()
export class ConnectionGateway {
  private readonly refreshes = new KeyedQueue();

  constructor(
    private readonly hub: Hub,
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
    const connection = socket.data.connection!;
    // Sequentially: each leaves the session that another one may be entering.
    await this.refreshes.run(connection.id, () => this.replaceToken(connection, claims));
    return { status: 'ok', expires_at: claims.expiresAt.toISOString() };
  }

  private async replaceToken(connection: DeviceConnection, claims: Claims): Promise<void> {
    const { sessionId } = connection;
    // The topic first: a later revocation reaches this device, an earlier one is found by `connected`.
    this.hub.subscribe(connection, sessionTopic(claims.sessionId));
    try {
      this.connections.renew(connection, (await this.authenticator.connected(claims)).user);
    } finally {
      for (const id of [sessionId, claims.sessionId])
        if (id !== connection.sessionId) this.hub.unsubscribe(connection, sessionTopic(id));
    }
  }
}
