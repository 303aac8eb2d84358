import {
  PresenceGetPayload,
  PresenceWatchPayload,
  UsersListPayload,
  type PresenceAck,
  type UsersListAck,
} from '#contracts';
import { ListUsers } from '#identity';
import { Reads } from '#platform';
import { Hub, watchersTopic } from '#realtime';
import { Presence } from '#presence';
import { QueryBus } from '@nestjs/cqrs';
import { MessageBody, SubscribeMessage } from '@nestjs/websockets';
import { userOf, type DeviceSocket } from '../connections/device-connection.js';
import { SocketBudget } from '../connections/socket-budget.js';
import { Device, Gateway } from './gateway.js';

/** Events of presence, and `users:list`. */
@Gateway()
export class PresenceGateway {
  constructor(
    private readonly hub: Hub,
    private readonly budget: SocketBudget,
    private readonly presence: Presence,
    private readonly reads: Reads,
    private readonly queries: QueryBus,
  ) {}

  @SubscribeMessage('presence:get')
  async get(
    @Device() socket: DeviceSocket,
    @MessageBody() { user_ids }: PresenceGetPayload,
  ): Promise<PresenceAck> {
    const { userId } = userOf(socket);
    const items = await this.reads.run(userId, () => this.presence.items(userId, user_ids));
    return { status: 'ok', items };
  }

  @SubscribeMessage('presence:watch')
  async watch(
    @Device() socket: DeviceSocket,
    @MessageBody() { user_ids }: PresenceWatchPayload,
  ): Promise<PresenceAck> {
    const wanted = new Set(user_ids);
    const connection = socket.data.connection!;
    this.budget.requireWatch(connection, wanted.size);
    const items = await this.reads.run(userOf(socket).userId, async () => {
      for (const { kind, id } of connection.subscriptions)
        if (kind === 'watchers' && !wanted.has(id)) this.hub.unsubscribe(connection, watchersTopic(id));
      for (const id of wanted) this.hub.subscribe(connection, watchersTopic(id));
      return this.presence.items(userOf(socket).userId, user_ids);
    });
    return { status: 'ok', items };
  }

  @SubscribeMessage('users:list')
  async list(
    @Device() socket: DeviceSocket,
    @MessageBody() { query, limit, cursor, is_master }: UsersListPayload,
  ): Promise<UsersListAck> {
    const { userId } = userOf(socket);
    const { items, next_cursor } = await this.reads.run(userId, () =>
      this.queries.execute(new ListUsers(query, limit, cursor, userId, is_master)),
    );
    const users = await this.presence.allWithOnline(items);
    return {
      status: 'ok',
      items: users.map(({ id, name, avatar, online, last_seen }) => ({
        id,
        name,
        avatar,
        online,
        last_seen,
      })),
      next_cursor,
    };
  }
}
