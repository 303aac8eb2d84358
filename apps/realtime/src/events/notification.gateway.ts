import { NotificationReadPayload, type NotificationReadAck } from '#contracts';
import { ReadNotification } from '#notifications';
import { CommandBus } from '@nestjs/cqrs';
import { MessageBody, SubscribeMessage } from '@nestjs/websockets';
import { userOf, type DeviceSocket } from '../connections/device-connection.js';
import { Device, Gateway } from './gateway.js';

/** Event `notification:read`. */
@Gateway()
export class NotificationGateway {
  constructor(private readonly commands: CommandBus) {}

  @SubscribeMessage('notification:read')
  read(
    @Device() socket: DeviceSocket,
    @MessageBody() { notification_id }: NotificationReadPayload,
  ): Promise<NotificationReadAck> {
    return this.commands.execute(new ReadNotification(userOf(socket).userId, notification_id, socket.id));
  }
}
