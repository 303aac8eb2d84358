import { ArchivePayload, MutePayload, type ChatAck } from '#contracts';
import { ArchiveChat, MuteChat } from '#chat';
import { CommandBus } from '@nestjs/cqrs';
import { MessageBody, SubscribeMessage } from '@nestjs/websockets';
import { userOf, type DeviceSocket } from '../connections/device-connection.js';
import { Device, Gateway } from './gateway.js';

/** Events of a member's own settings. */
@Gateway()
export class ChatSettingsGateway {
  constructor(private readonly commands: CommandBus) {}

  @SubscribeMessage('chat:mute')
  async mute(
    @Device() socket: DeviceSocket,
    @MessageBody() { chat_id, muted, until }: MutePayload,
  ): Promise<ChatAck> {
    const mute = new MuteChat(userOf(socket).userId, chat_id, muted, until, socket.id);
    return { status: 'ok', chat: await this.commands.execute(mute) };
  }

  @SubscribeMessage('chat:archive')
  async archive(
    @Device() socket: DeviceSocket,
    @MessageBody() { chat_id, archived }: ArchivePayload,
  ): Promise<ChatAck> {
    const archive = new ArchiveChat(userOf(socket).userId, chat_id, archived, socket.id);
    return { status: 'ok', chat: await this.commands.execute(archive) };
  }
}
