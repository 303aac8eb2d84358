import { AppError } from '#contracts';
import { ReviseNotifications } from '#notifications';
import { HEAD_START_MS, PrismaService, addJobs, inParts } from '#platform';
import { EventPublisher, userTopic } from '#realtime';
import { Command, CommandBus, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { visibleTo } from '../../visibility.js';
import { Posts } from '../posts.js';

/**
 * Deletes a comment and its replies, as its author or the post's author.
 * @throws AppError NOT_FOUND, FORBIDDEN
 */
export class DeleteComment extends Command<void> {
  constructor(
    readonly userId: string,
    readonly postId: string,
    readonly commentId: string,
  ) {
    super();
  }
}

/** Comments whose notifications are revised in one transaction. */
const BATCH = 500;

const noSuchComment = () => new AppError('NOT_FOUND', 'No such comment');

@CommandHandler(DeleteComment)
export class DeleteCommentHandler implements ICommandHandler<DeleteComment> {
  constructor(
    private readonly prisma: PrismaService,
    private readonly posts: Posts,
    private readonly publisher: EventPublisher,
    private readonly commands: CommandBus,
  ) {}

  async execute({ userId, postId, commentId }: DeleteComment): Promise<void> {
    const [comment] = await this.prisma.$queryRaw<{ owner_id: string; mine: boolean; in_sight: boolean }[]>`
      SELECT owner.id AS owner_id, ${userId}::uuid IN (author.id, owner.id) AS mine,
        ${visibleTo(userId, 'author')} AND ${visibleTo(userId, 'owner')} AS in_sight
      FROM comments c JOIN posts p ON p.id = c.post_id
      JOIN users author ON author.id = c.author_id JOIN users owner ON owner.id = p.author_id
      WHERE c.id = ${commentId}::uuid AND p.id = ${postId}::uuid`;
    if (!comment || !(comment.mine || comment.in_sight)) throw noSuchComment();
    if (!comment.mine)
      throw new AppError('FORBIDDEN', 'You can only delete your own comments and comments on your posts');
    const { jobs, jobIds, comments_count } = await this.posts.change(postId, async (tx) => {
      // The post's row first: a concurrent reply is counted here, or finds its comment deleted.
      await tx.$queryRaw`SELECT FROM posts WHERE id = ${postId}::uuid FOR NO KEY UPDATE`;
      const deleted = await tx.$queryRaw<{ id: string; hidden: boolean }[]>`
        DELETE FROM comments WHERE id = ${commentId}::uuid OR parent_id = ${commentId}::uuid RETURNING id, hidden`;
      if (deleted.length === 0) throw noSuchComment();
      const counted = deleted.filter(({ hidden }) => !hidden).length;
      const [post] = await tx.$queryRaw<[{ comments_count: number }]>`
        UPDATE posts SET comments_count = comments_count - ${counted} WHERE id = ${postId}::uuid RETURNING comments_count`;
      const jobs = inParts(deleted, BATCH).map((part) => ({
        keys: part.flatMap(({ id }) => [`post_commented:${id}`, `mention:${id}`]),
      }));
      const jobIds = await addJobs(tx, 'revise-notifications', jobs, 0, HEAD_START_MS);
      return { jobs, jobIds, ...post };
    });
    this.publisher.publish(userTopic(comment.owner_id), 'post:comment_deleted', {
      post_id: postId,
      comment_id: commentId,
      comments_count,
    });
    // After the commit: a comment with many replies would keep its post's row locked. The jobs do it if this fails.
    for (const [i, { keys }] of jobs.entries())
      await this.commands.execute(new ReviseNotifications(keys, jobIds[i]));
  }
}
