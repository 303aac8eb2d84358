import {
  AssistantChatDto,
  AssistantChatPage,
  AssistantChatWithMessages,
  AssistantHistoryQuery,
  PageQuery,
} from '#contracts';
import { CreateAssistantChat, DeleteAssistantChat, GetAssistantChat, ListAssistantChats } from '#assistant';
import type { SignedIn } from '#identity';
import { Controller, Delete, Get, Param, Post, Query } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import { Answers } from '../openapi/answers.js';
import { IdPipe } from '../http/id.pipe.js';
import { SignedInUser } from '../http/signed-in-user.js';

/** The assistant's endpoints that need no socket. */
@ApiTags('assistant')
@Controller('assistant/chats')
export class AssistantController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
  ) {}

  @Get()
  @Answers(
    'My chats with the assistant, most recently used first',
    { type: AssistantChatPage },
    'INVALID_DATA',
    'UNAUTHORIZED',
  )
  list(@SignedInUser() { userId }: SignedIn, @Query() page: PageQuery): Promise<AssistantChatPage> {
    return this.queries.execute(new ListAssistantChats(userId, page));
  }

  @Post()
  @Answers(
    'Create a chat with the assistant',
    { type: AssistantChatDto, status: 201 },
    'UNAUTHORIZED',
    'CONFLICT',
  )
  create(@SignedInUser() { userId }: SignedIn): Promise<AssistantChatDto> {
    return this.commands.execute(new CreateAssistantChat(userId));
  }

  @Get(':id')
  @Answers(
    'A chat with its newest messages, oldest first',
    { type: AssistantChatWithMessages },
    'INVALID_DATA',
    'UNAUTHORIZED',
    'NOT_FOUND',
  )
  find(
    @SignedInUser() { userId }: SignedIn,
    @Param('id', IdPipe) id: string,
    @Query() page: AssistantHistoryQuery,
  ): Promise<AssistantChatWithMessages> {
    return this.queries.execute(new GetAssistantChat(userId, id, page));
  }

  @Delete(':id')
  @Answers('Delete a chat and all its messages', { status: 204 }, 'UNAUTHORIZED', 'NOT_FOUND')
  delete(@SignedInUser() { userId }: SignedIn, @Param('id', IdPipe) id: string): Promise<void> {
    return this.commands.execute(new DeleteAssistantChat(userId, id));
  }
}
