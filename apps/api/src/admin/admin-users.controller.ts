import { BanUser, UnbanUser } from '#admin';
import { AccountDto, AccountPage, AccountQuery, BanBody, PageQuery, RoleBody, SessionPage } from '#contracts';
import {
  GetAccount,
  ListAccounts,
  ListSessions,
  RevokeSessions,
  SetRole,
  type Account,
  type SignedIn,
} from '#identity';
import { Presence } from '#presence';
import { Body, Controller, Delete, Get, Param, Patch, Post, Query, UseGuards } from '@nestjs/common';
import { CommandBus, QueryBus, type Command } from '@nestjs/cqrs';
import { ApiBody, ApiTags } from '@nestjs/swagger';
import { AdminGuard } from './admin.guard.js';
import { Answers } from '../openapi/answers.js';
import { IdPipe } from '../http/id.pipe.js';
import { OptionalBody } from '../http/optional-body.js';
import { SignedInUser } from '../http/signed-in-user.js';

const ABOUT_A_USER = ['INVALID_DATA', 'UNAUTHORIZED', 'FORBIDDEN', 'NOT_FOUND'] as const;

@ApiTags('admin')
@UseGuards(AdminGuard)
@Controller('admin/users')
export class AdminUsersController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
    private readonly presence: Presence,
  ) {}

  @Get()
  @Answers(
    'All users by name, including banned users; search by part of a name, handle or e-mail',
    { type: AccountPage },
    'INVALID_DATA',
    'UNAUTHORIZED',
    'FORBIDDEN',
  )
  async list(@SignedInUser() { userId }: SignedIn, @Query() query: AccountQuery): Promise<AccountPage> {
    const page = await this.queries.execute(new ListAccounts(userId, query));
    return { ...page, items: await this.presence.allWithOnline(page.items) };
  }

  @Get(':id')
  @Answers('A user, including a banned one', { type: AccountDto }, ...ABOUT_A_USER)
  async find(@Param('id', IdPipe) id: string): Promise<AccountDto> {
    return this.presence.withOnline(await this.queries.execute(new GetAccount(id)));
  }

  @Patch(':id')
  @Answers('Grant or take the admin role; not one’s own', { type: AccountDto }, ...ABOUT_A_USER, 'CONFLICT')
  setRole(
    @SignedInUser() { userId }: SignedIn,
    @Param('id', IdPipe) id: string,
    @Body() { role }: RoleBody,
  ): Promise<AccountDto> {
    return this.change(new SetRole(userId, id, role));
  }

  @Post(':id/ban')
  @ApiBody({ type: BanBody, required: false })
  @Answers('Ban a user; not an admin', { type: AccountDto }, ...ABOUT_A_USER, 'CONFLICT')
  ban(
    @SignedInUser() { userId }: SignedIn,
    @Param('id', IdPipe) id: string,
    @OptionalBody(BanBody) { reason }: BanBody,
  ): Promise<AccountDto> {
    return this.change(new BanUser(userId, id, reason));
  }

  @Post(':id/unban')
  @Answers('Unban a user', { type: AccountDto }, ...ABOUT_A_USER)
  unban(@SignedInUser() { userId }: SignedIn, @Param('id', IdPipe) id: string): Promise<AccountDto> {
    return this.change(new UnbanUser(userId, id));
  }

  @Get(':id/sessions')
  @Answers('A user’s signed-in devices, newest first', { type: SessionPage }, ...ABOUT_A_USER)
  async sessions(
    @SignedInUser() { sessionId }: SignedIn,
    @Param('id', IdPipe) id: string,
    @Query() { limit, cursor }: PageQuery,
  ): Promise<SessionPage> {
    await this.queries.execute(new GetAccount(id));
    return this.queries.execute(new ListSessions(id, sessionId, limit, cursor));
  }

  @Delete(':id/sessions')
  @Answers('Sign out all devices of a user', {}, ...ABOUT_A_USER)
  revokeSessions(@SignedInUser() { userId }: SignedIn, @Param('id', IdPipe) id: string): Promise<void> {
    return this.commands.execute(new RevokeSessions(userId, id));
  }

  private async change(command: Command<Account>): Promise<AccountDto> {
    return this.presence.withOnline(await this.commands.execute(command));
  }
}
