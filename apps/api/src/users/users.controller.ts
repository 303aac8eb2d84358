import { MeDto, UpdateMeBody, UserDto, UserPage, UserQuery } from '#contracts';
import { GetMe, GetUser, ListUsers, UpdateMe, type SignedIn } from '#identity';
import { Presence } from '#presence';
import { Body, Controller, Get, Param, Patch, Query } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import { Answers } from '../openapi/answers.js';
import { SignedInUser } from '../http/signed-in-user.js';
import { IdPipe } from '../http/id.pipe.js';

@ApiTags('users')
@Controller('users')
export class UsersController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
    private readonly presence: Presence,
  ) {}

  @Get('me')
  @Answers('My account', { type: MeDto }, 'UNAUTHORIZED')
  async me(@SignedInUser() { userId }: SignedIn): Promise<MeDto> {
    return this.presence.withOnline(await this.queries.execute(new GetMe(userId)));
  }

  @Patch('me')
  @Answers('Change my account', { type: MeDto }, 'INVALID_DATA', 'UNAUTHORIZED', 'CONFLICT')
  async update(@SignedInUser() { userId }: SignedIn, @Body() body: UpdateMeBody): Promise<MeDto> {
    return this.presence.withOnline(await this.commands.execute(new UpdateMe(userId, body)));
  }

  @Get(':id')
  @Answers('A user', { type: UserDto }, 'INVALID_DATA', 'UNAUTHORIZED', 'NOT_FOUND')
  async find(@SignedInUser() { userId }: SignedIn, @Param('id', IdPipe) id: string): Promise<UserDto> {
    return this.presence.withOnline(await this.queries.execute(new GetUser(id, userId)));
  }

  @Get()
  @Answers(
    'Other users by name; search by part of a name or handle',
    { type: UserPage },
    'INVALID_DATA',
    'UNAUTHORIZED',
  )
  async list(
    @SignedInUser() { userId }: SignedIn,
    @Query() { query, limit, cursor, is_master }: UserQuery,
  ): Promise<UserPage> {
    const page = await this.queries.execute(new ListUsers(query, limit, cursor, userId, is_master));
    return { ...page, items: await this.presence.allWithOnline(page.items) };
  }
}
