import {
  AddMembersBody,
  ChatDto,
  ChatPage,
  ChatsQuery,
  CreateChatBody,
  MemberRoleBody,
  OkAck,
  PageQuery,
  ParticipantPage,
  ReadAck,
  ReadBody,
  SyncAnswer,
  SyncQuery,
  UpdateChatBody,
} from '#contracts';
import {
  AddMembers,
  CreateChat,
  GetChat,
  ListChats,
  ListMembers,
  MarkMessages,
  RemoveMember,
  SetMemberRole,
  Sync,
  UpdateChat,
} from '#chat';
import type { SignedIn } from '#identity';
import { Body, Controller, Delete, Get, Param, Patch, Post, Query, Res } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Answers } from '../openapi/answers.js';
import { SignedInUser } from '../http/signed-in-user.js';
import { IdPipe } from '../http/id.pipe.js';

const MEMBER_ONLY = ['INVALID_DATA', 'UNAUTHORIZED', 'FORBIDDEN', 'CHAT_NOT_FOUND'] as const;

@ApiTags('chats')
@Controller()
export class ChatsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
  ) {}

  @Get('sync')
  @Answers('Everything that changed since the cursor', { type: SyncAnswer }, 'INVALID_DATA', 'UNAUTHORIZED')
  sync(@SignedInUser() { userId }: SignedIn, @Query() { cursor }: SyncQuery): Promise<SyncAnswer> {
    return this.queries.execute(new Sync(userId, cursor));
  }

  @Get('chats')
  @Answers(
    'My chats, newest activity first; with `archived=true` only the archived chats',
    { type: ChatPage },
    'INVALID_DATA',
    'UNAUTHORIZED',
  )
  list(@SignedInUser() { userId }: SignedIn, @Query() query: ChatsQuery): Promise<ChatPage> {
    return this.queries.execute(new ListChats(userId, query));
  }

  @Post('chats')
  @Answers(
    'Create a group (201), or get or create a direct chat (201 when it is new, else 200)',
    { type: ChatDto, status: 201 },
    'INVALID_DATA',
    'UNAUTHORIZED',
    'FORBIDDEN',
    'NOT_FOUND',
    'CONFLICT',
    'RATE_LIMIT',
  )
  async create(
    @SignedInUser() { userId }: SignedIn,
    @Body() body: CreateChatBody,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ChatDto> {
    const { chat, created } = await this.commands.execute(new CreateChat(userId, body));
    reply.status(created ? 201 : 200);
    return chat;
  }

  @Get('chats/:id')
  @Answers('One of my chats', { type: ChatDto }, ...MEMBER_ONLY)
  find(@SignedInUser() { userId }: SignedIn, @Param('id', IdPipe) id: string): Promise<ChatDto> {
    return this.queries.execute(new GetChat(userId, id));
  }

  @Patch('chats/:id')
  @Answers('Change a group’s title or avatar', { type: ChatDto }, ...MEMBER_ONLY)
  update(
    @SignedInUser() { userId }: SignedIn,
    @Param('id', IdPipe) id: string,
    @Body() body: UpdateChatBody,
  ): Promise<ChatDto> {
    return this.commands.execute(new UpdateChat(userId, id, body));
  }

  @Get('chats/:id/members')
  @Answers('The members of a chat', { type: ParticipantPage }, ...MEMBER_ONLY)
  members(
    @SignedInUser() { userId }: SignedIn,
    @Param('id', IdPipe) id: string,
    @Query() page: PageQuery,
  ): Promise<ParticipantPage> {
    return this.queries.execute(new ListMembers(userId, id, page));
  }

  @Post('chats/:id/members')
  @Answers(
    'Add members to a group',
    { type: ChatDto, status: 201 },
    ...MEMBER_ONLY,
    'NOT_FOUND',
    'CONFLICT',
    'RATE_LIMIT',
  )
  add(
    @SignedInUser() { userId }: SignedIn,
    @Param('id', IdPipe) id: string,
    @Body() body: AddMembersBody,
  ): Promise<ChatDto> {
    return this.commands.execute(new AddMembers(userId, id, body.user_ids));
  }

  @Patch('chats/:id/members/:user_id')
  @Answers(
    'Change a member’s role in my group; `owner` transfers the group',
    { type: ChatDto },
    ...MEMBER_ONLY,
    'NOT_FOUND',
  )
  setRole(
    @SignedInUser() { userId }: SignedIn,
    @Param('id', IdPipe) id: string,
    @Param('user_id', IdPipe) memberId: string,
    @Body() { role }: MemberRoleBody,
  ): Promise<ChatDto> {
    return this.commands.execute(new SetMemberRole(userId, id, memberId, role));
  }

  @Delete('chats/:id/members/:user_id')
  @Answers('Remove a member from a group, or leave it', { status: 204 }, ...MEMBER_ONLY, 'NOT_FOUND')
  remove(
    @SignedInUser() { userId }: SignedIn,
    @Param('id', IdPipe) id: string,
    @Param('user_id', IdPipe) removedId: string,
  ): Promise<void> {
    return this.commands.execute(new RemoveMember(userId, id, removedId));
  }

  @Post('chats/:id/read')
  @Answers('Mark everything up to a message as read', { type: ReadAck }, ...MEMBER_ONLY, 'NOT_FOUND')
  read(
    @SignedInUser() { userId }: SignedIn,
    @Param('id', IdPipe) chat_id: string,
    @Body() { message_id }: ReadBody,
  ): Promise<ReadAck> {
    return this.commands.execute(new MarkMessages(userId, 'read', { chat_id, message_id }));
  }

  @Post('chats/:id/delivered')
  @Answers('Confirm everything up to a message as received', { type: OkAck }, ...MEMBER_ONLY, 'NOT_FOUND')
  async delivered(
    @SignedInUser() { userId }: SignedIn,
    @Param('id', IdPipe) chat_id: string,
    @Body() { message_id }: ReadBody,
  ): Promise<OkAck> {
    await this.commands.execute(new MarkMessages(userId, 'delivered', { chat_id, message_id }));
    return { status: 'ok' };
  }
}
