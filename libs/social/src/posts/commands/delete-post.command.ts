import { AppError, type ROLES } from '#contracts';
import { audit } from '#identity';
import { NotificationPublisher, forgetPost, keyAs } from '#notifications';
import { PrismaService } from '#platform';
import { EventPublisher, blockedTopic, followersTopic, userTopic } from '#realtime';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { noSuchPost, Posts } from '../posts.js';

/**
 * Deletes a post, as its author or an admin, with its comments, likes and notifications. Its reposts stay, without the
 * original.
 * @throws AppError NOT_FOUND, FORBIDDEN
 */
export class DeletePost extends Command<void> {
  constructor(
    readonly user: { userId: string; role: (typeof ROLES)[number] },
    readonly postId: string,
  ) {
    super();
  }
}

@CommandHandler(DeletePost)
export class DeletePostHandler implements ICommandHandler<DeletePost> {
  constructor(
    private readonly prisma: PrismaService,
    private readonly posts: Posts,
    private readonly publisher: EventPublisher,
    private readonly notifications: NotificationPublisher,
  ) {}

  async execute({ user, postId: id }: DeletePost): Promise<void> {
    const post = await this.prisma.post.findUnique({
      where: { id },
      select: { authorId: true, repostOfId: true },
    });
    if (!post) throw noSuchPost();
    if (post.authorId !== user.userId && user.role !== 'admin') {
      await this.posts.require(user.userId, id);
      throw new AppError('FORBIDDEN', 'You can only delete your own posts');
    }
    const { authorId, repostOfId } = post;
    const revised = await this.posts.change(repostOfId ?? id, async (tx) => {
      // The original's row first: deleting the original locks its own row before its reposts.
      if (repostOfId) await tx.$queryRaw`SELECT FROM posts WHERE id = ${repostOfId}::uuid FOR NO KEY UPDATE`;
      const [deleted] = await tx.$queryRaw<{ counted: boolean }[]>`
        DELETE FROM posts WHERE id = ${id}::uuid RETURNING NOT hidden AS counted`;
      if (!deleted) throw noSuchPost();
      if (repostOfId && deleted.counted)
        await tx.post.updateMany({ where: { id: repostOfId }, data: { repostsCount: { decrement: 1 } } });
      if (authorId !== user.userId) await audit(tx, user.userId, 'post_deleted', id, { author_id: authorId });
      const key = `post_reposted:${repostOfId}:${authorId}`;
      return forgetPost(tx, id, repostOfId ? [key, keyAs(key, 'post_reposted')] : []);
    });
    const topics = [userTopic(authorId), followersTopic(authorId)];
    this.publisher.publish(topics, 'post:deleted', { post_id: id }, { except: [blockedTopic(authorId)] });
    await this.notifications.publish(revised);
  }
}
