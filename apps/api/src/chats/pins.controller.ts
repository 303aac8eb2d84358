import { MessageDto, MessagePage, PinsQuery } from '#contracts';
import { ListPins, PinMessage } from '#chat';
import type { SignedIn } from '#identity';
import { Controller, Delete, Get, Param, Put, Query } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import { Answers } from '../openapi/answers.js';
import { SignedInUser } from '../http/signed-in-user.js';
import { IdPipe } from '../http/id.pipe.js';

const MEMBER_ONLY = ['INVALID_DATA', 'UNAUTHORIZED', 'FORBIDDEN', 'CHAT_NOT_FOUND'] as const;

@ApiTags('messages')
@Controller('chats/:id')
export class PinsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
  ) {}

  @Get('pins')
  @Answers('Pinned messages of a chat, newest pin first', { type: MessagePage }, ...MEMBER_ONLY)
  list(
    @SignedInUser() { userId }: SignedIn,
    @Param('id', IdPipe) id: string,
    @Query() { cursor }: PinsQuery,
  ): Promise<MessagePage> {
    return this.queries.execute(new ListPins(userId, id, cursor));
  }

  @Put('messages/:message_id/pin')
  @Answers(
    'Pin a message for all members of the chat',
    { type: MessageDto },
    ...MEMBER_ONLY,
    'NOT_FOUND',
    'CONFLICT',
  )
  pin(
    @SignedInUser() { userId }: SignedIn,
    @Param('id', IdPipe) chatId: string,
    @Param('message_id', IdPipe) messageId: string,
  ): Promise<MessageDto> {
    return this.commands.execute(new PinMessage(userId, messageId, true, chatId));
  }

  @Delete('messages/:message_id/pin')
  @Answers('Unpin a message', { type: MessageDto }, ...MEMBER_ONLY, 'NOT_FOUND')
  unpin(
    @SignedInUser() { userId }: SignedIn,
    @Param('id', IdPipe) chatId: string,
    @Param('message_id', IdPipe) messageId: string,
  ): Promise<MessageDto> {
    return this.commands.execute(new PinMessage(userId, messageId, false, chatId));
  }
}
