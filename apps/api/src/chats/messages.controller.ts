import {
  AcceptProposalBody,
  BookingDto,
  ChangePage,
  ChangesQuery,
  EditMessageBody,
  ForwardBody,
  HistoryQuery,
  MessageDto,
  MessageItems,
  MessagePage,
  OkAck,
  PageQuery,
  ReactBody,
  ReceiptPage,
  SearchQuery,
  SendMessageAck,
  SendMessageBody,
} from '#contracts';
import {
  AcceptProposal,
  DeleteMessage,
  EditMessage,
  ForwardMessages,
  GetChanges,
  GetHistory,
  ListReceipts,
  ReactToMessage,
  SearchMessages,
  SendMessage,
} from '#chat';
import type { SignedIn } from '#identity';
import { Body, Controller, Delete, Get, Param, Patch, Post, Query } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import { Answers } from '../openapi/answers.js';
import { SignedInUser } from '../http/signed-in-user.js';
import { IdPipe } from '../http/id.pipe.js';

const MEMBER_ONLY = ['INVALID_DATA', 'UNAUTHORIZED', 'FORBIDDEN', 'CHAT_NOT_FOUND'] as const;
const CHANGE = ['INVALID_DATA', 'UNAUTHORIZED', 'FORBIDDEN', 'NOT_FOUND'] as const;

@ApiTags('messages')
@Controller('chats/:id')
export class MessagesController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
  ) {}

  @Get('messages')
  @Answers(
    'A page of messages, ascending by seq; without a bound, the newest',
    { type: MessagePage },
    ...MEMBER_ONLY,
  )
  history(
    @SignedInUser() { userId }: SignedIn,
    @Param('id', IdPipe) id: string,
    @Query() query: HistoryQuery,
  ): Promise<MessagePage> {
    return this.queries.execute(new GetHistory(userId, id, query));
  }

  @Post('messages')
  @Answers('Send a message', { type: SendMessageAck, status: 201 }, ...MEMBER_ONLY, 'MESSAGE_TOO_LARGE')
  async send(
    @SignedInUser() { userId }: SignedIn,
    @Param('id', IdPipe) chat_id: string,
    @Body() body: SendMessageBody,
  ): Promise<SendMessageAck> {
    return (await this.commands.execute(new SendMessage(userId, { ...body, chat_id }))).ack;
  }

  @Post('forward')
  @Answers(
    'Forward messages into this chat, in the given order: all or none',
    { type: MessageItems, status: 201 },
    ...MEMBER_ONLY,
    'NOT_FOUND',
    'MESSAGE_TOO_LARGE',
  )
  async forward(
    @SignedInUser() { userId }: SignedIn,
    @Param('id', IdPipe) to_chat_id: string,
    @Body() body: ForwardBody,
  ): Promise<MessageItems> {
    return { items: await this.commands.execute(new ForwardMessages(userId, { ...body, to_chat_id })) };
  }

  @Get('messages/search')
  @Answers('Messages of this chat that contain a text, newest first', { type: MessagePage }, ...MEMBER_ONLY)
  search(
    @SignedInUser() { userId }: SignedIn,
    @Param('id', IdPipe) id: string,
    @Query() query: SearchQuery,
  ): Promise<MessagePage> {
    return this.queries.execute(new SearchMessages(userId, id, query));
  }

  @Get('changes')
  @Answers(
    'Edits, deletions, reactions, pins and marks after a change number',
    { type: ChangePage },
    ...MEMBER_ONLY,
  )
  changes(
    @SignedInUser() { userId }: SignedIn,
    @Param('id', IdPipe) id: string,
    @Query() query: ChangesQuery,
  ): Promise<ChangePage> {
    return this.queries.execute(new GetChanges(userId, id, query));
  }

  @Get('messages/:message_id/receipts')
  @Answers('Receipts of a message', { type: ReceiptPage }, ...MEMBER_ONLY, 'NOT_FOUND')
  receipts(
    @SignedInUser() { userId }: SignedIn,
    @Param('id', IdPipe) id: string,
    @Param('message_id', IdPipe) messageId: string,
    @Query() page: PageQuery,
  ): Promise<ReceiptPage> {
    return this.queries.execute(new ListReceipts(userId, id, messageId, page));
  }

  @Patch('messages/:message_id')
  @Answers('Edit my message, within 48 hours', { type: MessageDto }, ...CHANGE, 'MESSAGE_TOO_LARGE')
  edit(
    @SignedInUser() { userId }: SignedIn,
    @Param('id', IdPipe) chatId: string,
    @Param('message_id', IdPipe) message_id: string,
    @Body() { content }: EditMessageBody,
  ): Promise<MessageDto> {
    return this.commands.execute(new EditMessage(userId, { message_id, content }, chatId));
  }

  @Delete('messages/:message_id')
  @Answers('Delete a message for everyone', { status: 204 }, ...CHANGE)
  delete(
    @SignedInUser() { userId }: SignedIn,
    @Param('id', IdPipe) chatId: string,
    @Param('message_id', IdPipe) messageId: string,
  ): Promise<void> {
    return this.commands.execute(new DeleteMessage(userId, messageId, chatId));
  }

  @Post('messages/:message_id/reactions')
  @Answers('Add or remove a reaction to a message', { type: OkAck }, ...CHANGE, 'CONFLICT')
  async react(
    @SignedInUser() { userId }: SignedIn,
    @Param('id', IdPipe) chatId: string,
    @Param('message_id', IdPipe) message_id: string,
    @Body() body: ReactBody,
  ): Promise<OkAck> {
    await this.commands.execute(new ReactToMessage(userId, { ...body, message_id }, chatId));
    return { status: 'ok' };
  }

  @Post('messages/:message_id/accept')
  @Answers(
    'Accept a proposal by requesting a booking',
    { type: BookingDto, status: 201 },
    ...CHANGE,
    'CHAT_NOT_FOUND',
    'CONFLICT',
    'RATE_LIMIT',
  )
  accept(
    @SignedInUser() { userId }: SignedIn,
    @Param('id', IdPipe) chatId: string,
    @Param('message_id', IdPipe) messageId: string,
    @Body() { starts_at }: AcceptProposalBody,
  ): Promise<BookingDto> {
    return this.commands.execute(new AcceptProposal(userId, chatId, messageId, new Date(starts_at)));
  }
}
