import { IdentityModule } from '#identity';
import { Module } from '@nestjs/common';
import { AddCommentHandler } from './commands/add-comment.command.js';
import { AnnounceHandler } from './commands/announce.command.js';
import { CreatePostHandler } from './commands/create-post.command.js';
import { DeleteCommentHandler } from './commands/delete-comment.command.js';
import { DeletePostHandler } from './commands/delete-post.command.js';
import { LikePostHandler } from './commands/like-post.command.js';
import { RepostPostHandler } from './commands/repost-post.command.js';
import { Likes } from './likes.js';
import { Posts } from './posts.js';
import { FindPostHandler } from './queries/find-post.query.js';
import { GetFeedHandler } from './queries/get-feed.query.js';
import { ListCommentsHandler } from './queries/list-comments.query.js';
import { ListPostsHandler } from './queries/list-posts.query.js';

const handlers = [
  AddCommentHandler,
  AnnounceHandler,
  CreatePostHandler,
  DeleteCommentHandler,
  DeletePostHandler,
  LikePostHandler,
  RepostPostHandler,
  FindPostHandler,
  GetFeedHandler,
  ListCommentsHandler,
  ListPostsHandler,
];

/** Posts, likes, comments, reposts, follows, friends, mentions, feed. */
@Module({ imports: [IdentityModule], providers: [Likes, Posts, ...handlers] })
export class SocialModule {}
