import {
  FriendPage,
  FriendRequestBody,
  FriendRequestDto,
  FriendRequestPage,
  FriendRequestQuery,
  PageQuery,
} from '#contracts';
import type { SignedIn } from '#identity';
import { Presence } from '#presence';
import {
  AnswerFriendRequest,
  EndFriendship,
  ListFriendRequests,
  ListFriends,
  RequestFriendship,
  WithdrawFriendRequest,
} from '#social';
import { Body, Controller, Delete, Get, Param, Post, Query } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import { Answers } from '../openapi/answers.js';
import { IdPipe } from '../http/id.pipe.js';
import { SignedInUser } from '../http/signed-in-user.js';

const ASKED = ['INVALID_DATA', 'UNAUTHORIZED', 'NOT_FOUND', 'CONFLICT'] as const;

@ApiTags('friends')
@Controller('friends')
export class FriendsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
    private readonly presence: Presence,
  ) {}

  @Get()
  @Answers('My friends', { type: FriendPage }, 'INVALID_DATA', 'UNAUTHORIZED')
  async list(@SignedInUser() { userId }: SignedIn, @Query() page: PageQuery): Promise<FriendPage> {
    const friends = await this.queries.execute(new ListFriends(userId, page));
    return { ...friends, items: await this.presence.allWithOnline(friends.items) };
  }

  @Get('requests')
  @Answers(
    'Open requests to me, or from me, newest first',
    { type: FriendRequestPage },
    'INVALID_DATA',
    'UNAUTHORIZED',
  )
  requests(
    @SignedInUser() { userId }: SignedIn,
    @Query() query: FriendRequestQuery,
  ): Promise<FriendRequestPage> {
    return this.queries.execute(new ListFriendRequests(userId, query));
  }

  @Post('requests')
  @Answers('Send a friend request', { type: FriendRequestDto, status: 201 }, ...ASKED)
  request(
    @SignedInUser() { userId }: SignedIn,
    @Body() { user_id }: FriendRequestBody,
  ): Promise<FriendRequestDto> {
    return this.commands.execute(new RequestFriendship(userId, user_id));
  }

  @Post('requests/:id/accept')
  @Answers('Accept a friend request', { type: FriendRequestDto }, ...ASKED)
  accept(@SignedInUser() { userId }: SignedIn, @Param('id', IdPipe) id: string): Promise<FriendRequestDto> {
    return this.commands.execute(new AnswerFriendRequest(userId, id, 'accepted'));
  }

  @Post('requests/:id/decline')
  @Answers('Decline a friend request', { type: FriendRequestDto }, ...ASKED)
  decline(@SignedInUser() { userId }: SignedIn, @Param('id', IdPipe) id: string): Promise<FriendRequestDto> {
    return this.commands.execute(new AnswerFriendRequest(userId, id, 'declined'));
  }

  @Delete('requests/:id')
  @Answers('Withdraw my friend request', { status: 204 }, ...ASKED)
  withdraw(@SignedInUser() { userId }: SignedIn, @Param('id', IdPipe) id: string): Promise<void> {
    return this.commands.execute(new WithdrawFriendRequest(userId, id));
  }

  @Delete(':user_id')
  @Answers('End a friendship', { status: 204 }, 'INVALID_DATA', 'UNAUTHORIZED', 'NOT_FOUND')
  end(@SignedInUser() { userId }: SignedIn, @Param('user_id', IdPipe) friendId: string): Promise<void> {
    return this.commands.execute(new EndFriendship(userId, friendId));
  }
}
