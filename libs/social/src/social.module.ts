import { IdentityModule } from '#identity';
import { NotificationsModule } from '#notifications';
import { Module } from '@nestjs/common';
import { AddCommentHandler } from './commands/add-comment.command.js';
import { AnnounceHandler } from './commands/announce.command.js';
import { AnswerFriendRequestHandler } from './commands/answer-friend-request.command.js';
import { BlockUserHandler } from './commands/block-user.command.js';
import { CreatePostHandler } from './commands/create-post.command.js';
import { DeleteCommentHandler } from './commands/delete-comment.command.js';
import { DeletePostHandler } from './commands/delete-post.command.js';
import { EndFriendshipHandler } from './commands/end-friendship.command.js';
import { FollowUserHandler } from './commands/follow-user.command.js';
import { LikePostHandler } from './commands/like-post.command.js';
import { ReconcileContributionsHandler } from './commands/reconcile-contributions.command.js';
import { RepostPostHandler } from './commands/repost-post.command.js';
import { RequestFriendshipHandler } from './commands/request-friendship.command.js';
import { WithdrawFriendRequestHandler } from './commands/withdraw-friend-request.command.js';
import { Likes } from './posts/likes.js';
import { Posts } from './posts/posts.js';
import { FindCommentHandler } from './queries/find-comment.query.js';
import { FindPostHandler } from './queries/find-post.query.js';
import { GetFeedHandler } from './queries/get-feed.query.js';
import { ListBlockedHandler } from './queries/list-blocked.query.js';
import { ListCommentsHandler } from './queries/list-comments.query.js';
import { ListFriendRequestsHandler } from './queries/list-friend-requests.query.js';
import { ListFriendsHandler } from './queries/list-friends.query.js';
import { ListPostsHandler } from './queries/list-posts.query.js';
import { Relationships } from './relationships/relationships.js';

const handlers = [
  AddCommentHandler,
  AnnounceHandler,
  AnswerFriendRequestHandler,
  BlockUserHandler,
  CreatePostHandler,
  DeleteCommentHandler,
  DeletePostHandler,
  EndFriendshipHandler,
  FollowUserHandler,
  LikePostHandler,
  ReconcileContributionsHandler,
  RepostPostHandler,
  RequestFriendshipHandler,
  WithdrawFriendRequestHandler,
  FindCommentHandler,
  FindPostHandler,
  GetFeedHandler,
  ListBlockedHandler,
  ListCommentsHandler,
  ListFriendRequestsHandler,
  ListFriendsHandler,
  ListPostsHandler,
];

/** Posts, likes, comments, reposts, follows, friends, mentions, feed. */
@Module({
  imports: [IdentityModule, NotificationsModule],
  providers: [Likes, Posts, Relationships, ...handlers],
  exports: [Relationships],
})
export class SocialModule {}
