import { CreatePostBody, LikeAnswer, PageQuery, PostDto, PostPage, RepostBody } from '#contracts';
import type { SignedIn } from '#identity';
import { CreatePost, DeletePost, GetPost, GetFeed, LikePost, ListPosts, RepostPost } from '#social';
import { Body, Controller, Delete, Get, Param, Post, Put, Query } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { ApiBody, ApiTags } from '@nestjs/swagger';
import { Answers } from '../openapi/answers.js';
import { IdPipe } from '../http/id.pipe.js';
import { OptionalBody } from '../http/optional-body.js';
import { SignedInUser } from '../http/signed-in-user.js';

const IN_SIGHT = ['INVALID_DATA', 'UNAUTHORIZED', 'NOT_FOUND'] as const;

@ApiTags('posts')
@Controller()
export class PostsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
  ) {}

  @Get('feed')
  @Answers(
    'Posts of people I follow, of friends and my own, newest first',
    { type: PostPage },
    'INVALID_DATA',
    'UNAUTHORIZED',
  )
  feed(@SignedInUser() { userId }: SignedIn, @Query() page: PageQuery): Promise<PostPage> {
    return this.queries.execute(new GetFeed(userId, page));
  }

  @Get('users/:id/posts')
  @Answers('A user’s posts, newest first', { type: PostPage }, ...IN_SIGHT)
  list(
    @SignedInUser() { userId }: SignedIn,
    @Param('id', IdPipe) id: string,
    @Query() page: PageQuery,
  ): Promise<PostPage> {
    return this.queries.execute(new ListPosts(userId, id, page));
  }

  @Post('posts')
  @Answers(
    'Create a post',
    { type: PostDto, status: 201 },
    'INVALID_DATA',
    'UNAUTHORIZED',
    'CONFLICT',
    'MESSAGE_TOO_LARGE',
    'RATE_LIMIT',
  )
  create(@SignedInUser() { userId }: SignedIn, @Body() body: CreatePostBody): Promise<PostDto> {
    return this.commands.execute(new CreatePost(userId, body));
  }

  @Get('posts/:id')
  @Answers('A post', { type: PostDto }, ...IN_SIGHT)
  find(@SignedInUser() { userId }: SignedIn, @Param('id', IdPipe) id: string): Promise<PostDto> {
    return this.queries.execute(new GetPost(userId, id));
  }

  @Delete('posts/:id')
  @Answers('Delete my post, or any post as an admin', { status: 204 }, ...IN_SIGHT, 'FORBIDDEN')
  delete(@SignedInUser() user: SignedIn, @Param('id', IdPipe) id: string): Promise<void> {
    return this.commands.execute(new DeletePost(user, id));
  }

  @Put('posts/:id/like')
  @Answers('Like a post', { type: LikeAnswer }, ...IN_SIGHT)
  like(@SignedInUser() { userId }: SignedIn, @Param('id', IdPipe) id: string): Promise<LikeAnswer> {
    return this.commands.execute(new LikePost(userId, id, true));
  }

  @Delete('posts/:id/like')
  @Answers('Unlike a post', { type: LikeAnswer }, ...IN_SIGHT)
  unlike(@SignedInUser() { userId }: SignedIn, @Param('id', IdPipe) id: string): Promise<LikeAnswer> {
    return this.commands.execute(new LikePost(userId, id, false));
  }

  @Post('posts/:id/repost')
  @ApiBody({ type: RepostBody, required: false })
  @Answers(
    'Repost a post, once',
    { type: PostDto, status: 201 },
    ...IN_SIGHT,
    'CONFLICT',
    'MESSAGE_TOO_LARGE',
    'RATE_LIMIT',
  )
  repost(
    @SignedInUser() { userId }: SignedIn,
    @Param('id', IdPipe) id: string,
    @OptionalBody(RepostBody) body: RepostBody,
  ): Promise<PostDto> {
    return this.commands.execute(new RepostPost(userId, id, body));
  }
}
