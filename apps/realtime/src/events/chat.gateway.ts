import {
  ChatGetPayload,
  ChatIdPayload,
  EditMessagePayload,
  ForwardPayload,
  MessageIdPayload,
  ReactPayload,
  ReceiptPayload,
  SendMessagePayload,
  TypingPayload,
  type ChatAck,
  type JoinAck,
  type LeaveAck,
  type MessageAck,
  type MessagesAck,
  type OkAck,
  type ReadAck,
  type SendMessageAck,
} from '#contracts';
import {
  CreateChat,
  DeleteMessage,
  EditMessage,
  ForwardMessages,
  JoinChat,
  MarkMessages,
  ReactToMessage,
  SendMessage,
  Typing,
} from '#chat';
import { CommandBus } from '@nestjs/cqrs';
import { MessageBody, SubscribeMessage } from '@nestjs/websockets';
import { userOf, type DeviceSocket } from '../connections/device-connection.js';
import { Device, Gateway } from './gateway.js';
import { JoinedChats } from '../delivery/joined-chats.js';

const ok = { status: 'ok' } as const;

/** Events of chats and messages. */
@Gateway()
export class ChatGateway {
  constructor(
    private readonly commands: CommandBus,
    private readonly typing: Typing,
    private readonly joined: JoinedChats,
  ) {}

  @SubscribeMessage('chat:message:send')
  async send(
    @Device() socket: DeviceSocket,
    @MessageBody() payload: SendMessagePayload,
  ): Promise<SendMessageAck> {
    return (await this.commands.execute(new SendMessage(userOf(socket).userId, payload))).ack;
  }

  @SubscribeMessage('chat:message:edit')
  async edit(
    @Device() socket: DeviceSocket,
    @MessageBody() payload: EditMessagePayload,
  ): Promise<MessageAck> {
    return { ...ok, message: await this.commands.execute(new EditMessage(userOf(socket).userId, payload)) };
  }

  @SubscribeMessage('chat:message:delete')
  async delete(@Device() socket: DeviceSocket, @MessageBody() payload: MessageIdPayload): Promise<OkAck> {
    await this.commands.execute(new DeleteMessage(userOf(socket).userId, payload.message_id));
    return ok;
  }

  @SubscribeMessage('chat:message:forward')
  async forward(
    @Device() socket: DeviceSocket,
    @MessageBody() payload: ForwardPayload,
  ): Promise<MessagesAck> {
    return { ...ok, items: await this.commands.execute(new ForwardMessages(userOf(socket).userId, payload)) };
  }

  @SubscribeMessage('chat:message:react')
  async react(@Device() socket: DeviceSocket, @MessageBody() payload: ReactPayload): Promise<OkAck> {
    await this.commands.execute(new ReactToMessage(userOf(socket).userId, payload));
    return ok;
  }

  @SubscribeMessage('chat:message:read')
  read(@Device() socket: DeviceSocket, @MessageBody() payload: ReceiptPayload): Promise<ReadAck> {
    return this.commands.execute(new MarkMessages(userOf(socket).userId, 'read', payload, socket.id));
  }

  @SubscribeMessage('chat:message:delivered')
  async delivered(@Device() socket: DeviceSocket, @MessageBody() payload: ReceiptPayload): Promise<OkAck> {
    await this.commands.execute(new MarkMessages(userOf(socket).userId, 'delivered', payload));
    return ok;
  }

  @SubscribeMessage('chat:typing')
  async type(@Device() socket: DeviceSocket, @MessageBody() payload: TypingPayload): Promise<OkAck> {
    await this.typing.report(payload.chat_id, userOf(socket).userId, socket, payload.is_typing);
    return ok;
  }

  @SubscribeMessage('chat:join')
  join(@Device() socket: DeviceSocket, @MessageBody() payload: ChatIdPayload): Promise<JoinAck> {
    const { chat_id } = payload;
    return this.joined.join(socket.data.connection!, chat_id, () =>
      this.commands.execute(new JoinChat(userOf(socket).userId, chat_id)),
    );
  }

  /**
   * Closes the chat on this device, which still receives its events like every device of a participant. The answer is
   * the same for chats that the user is not in, or that do not exist: a removed member can leave too.
   */
  @SubscribeMessage('chat:leave')
  leave(@Device() socket: DeviceSocket, @MessageBody() { chat_id }: ChatIdPayload): LeaveAck {
    this.typing.stop(chat_id, socket.id);
    this.joined.leave(socket.data.connection!, chat_id);
    return { status: 'left', chat_id };
  }

  @SubscribeMessage('chat:get')
  async get(@Device() socket: DeviceSocket, @MessageBody() payload: ChatGetPayload): Promise<ChatAck> {
    const body = { type: 'direct' as const, participant_ids: [payload.recipient_id] };
    const { chat } = await this.commands.execute(new CreateChat(userOf(socket).userId, body));
    return { ...ok, chat };
  }
}
