import { AppError, type CommentDto, type CreateCommentBody } from '#contracts';
import { Reach, requirePresent } from '#identity';
import { enqueueNotification } from '#notifications';
import { PrismaService, newId, type Prisma } from '#platform';
import { EventPublisher, userTopic } from '#realtime';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { COMMENT_COLUMNS, toComment, type CommentRow } from '../comments.js';
import { mentionOf, mentionedIn, enqueueMentionNotifications } from '../mentions.js';
import { visibleTo } from '../../visibility.js';
import { Posts, noSuchPost } from '../posts.js';

/**
 * Comments on a post, or replies to a comment. The post's author is notified, and receives `post:commented`.
 * @throws AppError NOT_FOUND, INVALID_DATA (names `parent_id`, when that is no top-level comment of this post),
 *   RATE_LIMIT (per day)
 */
export class AddComment extends Command<CommentDto> {
  constructor(
    readonly userId: string,
    readonly postId: string,
    readonly body: CreateCommentBody,
  ) {
    super();
  }
}

@CommandHandler(AddComment)
export class AddCommentHandler implements ICommandHandler<AddComment> {
  constructor(
    private readonly prisma: PrismaService,
    private readonly posts: Posts,
    private readonly reach: Reach,
    private readonly publisher: EventPublisher,
  ) {}

  async execute({ userId, postId, body: { content, parent_id } }: AddComment): Promise<CommentDto> {
    const { author: owner } = await this.posts.require(userId, postId);
    const id = newId();
    const where = { postId, commentId: id, ownerId: owner.id };
    await this.reach.take('comment', userId);
    const mentioned = await mentionedIn(this.prisma, userId, content, owner.id);
    await this.reach.take('mention', userId, mentioned.length);
    const { comments_count, ...row } = await this.posts.change(postId, async (tx) => {
      await requirePresent(tx, [userId]);
      await enqueueNotification(tx, [owner.id], {
        type: 'post_commented',
        key: `post_commented:${id}`,
        actorId: userId,
        data: { post_id: postId, comment_id: id, user_id: userId },
        ...(mentioned.includes(owner.id) && { fallback: mentionOf(userId, where) }),
      });
      await enqueueMentionNotifications(
        tx,
        userId,
        mentioned.filter((id) => id !== owner.id),
        where,
      );
      // Last, since it locks the row that all comments on the post wait for.
      return this.store(tx, { id, userId, postId, content, parentId: parent_id ?? null });
    });
    const comment = toComment(row);
    this.publisher.publish(userTopic(owner.id), 'post:commented', {
      post_id: postId,
      comment,
      comments_count,
    });
    return comment;
  }

  /** Locks and counts on the post's row first: a concurrent deletion waits, or has already happened. */
  private async store(
    tx: Prisma.TransactionClient,
    {
      id,
      userId,
      postId,
      content,
      parentId,
    }: Record<'id' | 'userId' | 'postId' | 'content', string> & {
      parentId: string | null;
    },
  ): Promise<CommentRow & { comments_count: number }> {
    const [post] = await tx.$queryRaw<{ comments_count: number }[]>`
      UPDATE posts SET comments_count = comments_count + 1 WHERE id = ${postId}::uuid RETURNING comments_count`;
    if (!post) throw noSuchPost();
    const [comment] = await tx.$queryRaw<CommentRow[]>`
      WITH c AS (
        INSERT INTO comments (id, post_id, author_id, parent_id, content)
        SELECT ${id}::uuid, ${postId}::uuid, ${userId}::uuid, ${parentId}::uuid, ${content}
        WHERE ${parentId}::uuid IS NULL OR EXISTS (
          SELECT FROM comments parent JOIN users u ON u.id = parent.author_id
          WHERE parent.id = ${parentId}::uuid AND parent.post_id = ${postId}::uuid AND parent.parent_id IS NULL
            AND ${visibleTo(userId, 'u')})
        RETURNING *
      )
      SELECT ${COMMENT_COLUMNS} FROM c JOIN users author ON author.id = c.author_id`;
    if (!comment) throw AppError.invalid('parent_id', 'is not a top-level comment of this post');
    return { ...comment, comments_count: post.comments_count };
  }
}
