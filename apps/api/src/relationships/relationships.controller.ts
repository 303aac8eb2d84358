import { BlockedPage, PageQuery } from '#contracts';
import type { SignedIn } from '#identity';
import { BlockUser, FollowUser, ListBlocked } from '#social';
import { Controller, Delete, Get, Param, Put, Query } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import { Answers } from '../openapi/answers.js';
import { IdPipe } from '../http/id.pipe.js';
import { SignedInUser } from '../http/signed-in-user.js';

const OF_ANOTHER = ['INVALID_DATA', 'UNAUTHORIZED', 'NOT_FOUND', 'CONFLICT'] as const;

@ApiTags('users')
@Controller('users')
export class RelationshipsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
  ) {}

  @Get('me/blocked')
  @Answers('Users I have blocked', { type: BlockedPage }, 'INVALID_DATA', 'UNAUTHORIZED')
  blocked(@SignedInUser() { userId }: SignedIn, @Query() page: PageQuery): Promise<BlockedPage> {
    return this.queries.execute(new ListBlocked(userId, page));
  }

  @Put(':id/follow')
  @Answers('Follow a user', { status: 204 }, ...OF_ANOTHER)
  follow(@SignedInUser() { userId }: SignedIn, @Param('id', IdPipe) id: string): Promise<void> {
    return this.commands.execute(new FollowUser(userId, id, true));
  }

  @Delete(':id/follow')
  @Answers('Unfollow a user', { status: 204 }, 'INVALID_DATA', 'UNAUTHORIZED')
  unfollow(@SignedInUser() { userId }: SignedIn, @Param('id', IdPipe) id: string): Promise<void> {
    return this.commands.execute(new FollowUser(userId, id, false));
  }

  @Put(':id/block')
  @Answers('Block a user', { status: 204 }, ...OF_ANOTHER)
  block(@SignedInUser() { userId }: SignedIn, @Param('id', IdPipe) id: string): Promise<void> {
    return this.commands.execute(new BlockUser(userId, id, true));
  }

  @Delete(':id/block')
  @Answers('Unblock a user', { status: 204 }, 'INVALID_DATA', 'UNAUTHORIZED')
  unblock(@SignedInUser() { userId }: SignedIn, @Param('id', IdPipe) id: string): Promise<void> {
    return this.commands.execute(new BlockUser(userId, id, false));
  }
}
