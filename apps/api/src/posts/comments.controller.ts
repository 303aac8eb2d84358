import { CommentDto, CommentPage, CreateCommentBody, PageQuery } from '#contracts';
import type { SignedIn } from '#identity';
import { AddComment, DeleteComment, ListComments } from '#social';
import { Body, Controller, Delete, Get, Param, Post, Query } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import { Answers } from '../openapi/answers.js';
import { IdPipe } from '../http/id.pipe.js';
import { SignedInUser } from '../http/signed-in-user.js';

const IN_SIGHT = ['INVALID_DATA', 'UNAUTHORIZED', 'NOT_FOUND'] as const;

@ApiTags('posts')
@Controller('posts/:id/comments')
export class CommentsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
  ) {}

  @Get()
  @Answers('Comments and their replies, oldest first', { type: CommentPage }, ...IN_SIGHT)
  list(
    @SignedInUser() { userId }: SignedIn,
    @Param('id', IdPipe) id: string,
    @Query() page: PageQuery,
  ): Promise<CommentPage> {
    return this.queries.execute(new ListComments(userId, id, page));
  }

  @Post()
  @Answers(
    'Comment on a post, or reply to a comment',
    { type: CommentDto, status: 201 },
    ...IN_SIGHT,
    'MESSAGE_TOO_LARGE',
    'RATE_LIMIT',
  )
  add(
    @SignedInUser() { userId }: SignedIn,
    @Param('id', IdPipe) id: string,
    @Body() body: CreateCommentBody,
  ): Promise<CommentDto> {
    return this.commands.execute(new AddComment(userId, id, body));
  }

  @Delete(':comment_id')
  @Answers('Delete my comment, or a comment on my post', { status: 204 }, ...IN_SIGHT, 'FORBIDDEN')
  delete(
    @SignedInUser() { userId }: SignedIn,
    @Param('id', IdPipe) postId: string,
    @Param('comment_id', IdPipe) commentId: string,
  ): Promise<void> {
    return this.commands.execute(new DeleteComment(userId, postId, commentId));
  }
}
