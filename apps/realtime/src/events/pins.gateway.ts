import { MessageIdPayload, PinsPayload, type MessageAck, type PinsAck } from '#contracts';
import { ListPins, PinMessage } from '#chat';
import { Reads } from '#platform';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { MessageBody, SubscribeMessage } from '@nestjs/websockets';
import { userOf, type DeviceSocket } from '../connections/device-connection.js';
import { Device, Gateway } from './gateway.js';

/** Events of pinned messages. */
@Gateway()
export class PinsGateway {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
    private readonly reads: Reads,
  ) {}

  @SubscribeMessage('chat:message:pin')
  pin(@Device() socket: DeviceSocket, @MessageBody() { message_id }: MessageIdPayload): Promise<MessageAck> {
    return this.set(socket, message_id, true);
  }

  @SubscribeMessage('chat:message:unpin')
  unpin(
    @Device() socket: DeviceSocket,
    @MessageBody() { message_id }: MessageIdPayload,
  ): Promise<MessageAck> {
    return this.set(socket, message_id, false);
  }

  @SubscribeMessage('chat:pins')
  async list(
    @Device() socket: DeviceSocket,
    @MessageBody() { chat_id, cursor }: PinsPayload,
  ): Promise<PinsAck> {
    const { userId } = userOf(socket);
    const page = await this.reads.run(userId, () =>
      this.queries.execute(new ListPins(userId, chat_id, cursor)),
    );
    return { status: 'ok', ...page };
  }

  private async set(socket: DeviceSocket, messageId: string, on: boolean): Promise<MessageAck> {
    const message = await this.commands.execute(new PinMessage(userOf(socket).userId, messageId, on));
    return { status: 'ok', message };
  }
}
