import { LiveDeliveryModule } from '#realtime';
import { IdentityModule } from '#identity';
import { NotificationsModule } from '#notifications';
import { Module } from '@nestjs/common';
import { AddCommentHandler } from './posts/commands/add-comment.command.js';
import { AnnounceHandler } from './posts/commands/announce.command.js';
import { AnswerFriendRequestHandler } from './relationships/commands/answer-friend-request.command.js';
import { BlockUserHandler } from './relationships/commands/block-user.command.js';
import { CreatePostHandler } from './posts/commands/create-post.command.js';
import { DeleteCommentHandler } from './posts/commands/delete-comment.command.js';
import { DeletePostHandler } from './posts/commands/delete-post.command.js';
import { EndFriendshipHandler } from './relationships/commands/end-friendship.command.js';
import { FollowUserHandler } from './relationships/commands/follow-user.command.js';
import { LikePostHandler } from './posts/commands/like-post.command.js';
import { ReconcileContributionsHandler } from './posts/commands/reconcile-contributions.command.js';
import { RepostPostHandler } from './posts/commands/repost-post.command.js';
import { RequestFriendshipHandler } from './relationships/commands/request-friendship.command.js';
import { WithdrawFriendRequestHandler } from './relationships/commands/withdraw-friend-request.command.js';
import { Posts } from './posts/posts.js';
import { GetCommentHandler } from './posts/queries/get-comment.query.js';
import { GetPostHandler } from './posts/queries/get-post.query.js';
import { GetFeedHandler } from './posts/queries/get-feed.query.js';
import { ListBlockedHandler } from './relationships/queries/list-blocked.query.js';
import { ListCommentsHandler } from './posts/queries/list-comments.query.js';
import { ListFriendRequestsHandler } from './relationships/queries/list-friend-requests.query.js';
import { ListFriendsHandler } from './relationships/queries/list-friends.query.js';
import { ListPostsHandler } from './posts/queries/list-posts.query.js';
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
  GetCommentHandler,
  GetPostHandler,
  GetFeedHandler,
  ListBlockedHandler,
  ListCommentsHandler,
  ListFriendRequestsHandler,
  ListFriendsHandler,
  ListPostsHandler,
];

/** Posts, likes, comments, reposts, follows, friends, mentions, feed. */
@Module({
  imports: [IdentityModule, LiveDeliveryModule, NotificationsModule],
  providers: [Posts, Relationships, ...handlers],
  exports: [Relationships],
})
export class SocialModule {}
