import { AppError, type PostDto, type RepostBody } from '#contracts';
import { Reach } from '#identity';
import { enqueueNotification } from '#notifications';
import { PrismaService, isUniqueViolation, newId } from '#platform';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { requireBelowPostLimit } from '../../relationships/limits.js';
import { mentionOf, mentionedIn, enqueueMentionNotifications } from '../mentions.js';
import { Posts, noSuchPost } from '../posts.js';

/**
 * Creates a repost of a post; of the original, when the post is a repost itself. The author of the original is
 * notified.
 * @throws AppError NOT_FOUND, CONFLICT (when the user has reposted it, or has 10,000 posts), RATE_LIMIT (per day)
 */
export class RepostPost extends Command<PostDto> {
  constructor(
    readonly userId: string,
    readonly postId: string,
    readonly body: RepostBody,
  ) {
    super();
  }
}

@CommandHandler(RepostPost)
export class RepostPostHandler implements ICommandHandler<RepostPost> {
  constructor(
    private readonly prisma: PrismaService,
    private readonly posts: Posts,
    private readonly reach: Reach,
  ) {}

  async execute({ userId, postId, body }: RepostPost): Promise<PostDto> {
    const asked = await this.posts.require(userId, postId);
    const original = asked.is_repost ? asked.repost_of : asked;
    if (!original) throw noSuchPost();
    const id = newId();
    const content = body.content ?? '';
    await this.reach.take('post', userId);
    const mentioned = await mentionedIn(this.prisma, userId, content, userId);
    await this.reach.take('mention', userId, mentioned.length);
    await this.store(userId, original, { id, content, mentioned }).catch((error: unknown) => {
      if (isUniqueViolation(error)) throw new AppError('CONFLICT', 'You have already reposted this');
      throw error;
    });
    return this.posts.require(userId, id);
  }

  private async store(
    authorId: string,
    original: PostDto,
    { id, content, mentioned }: { id: string; content: string; mentioned: string[] },
  ): Promise<void> {
    const ownerId = original.author.id;
    await this.posts.change(original.id, async (tx) => {
      // The original's row first, as by all writes that count on posts; it may be deleted by now.
      const { count } = await tx.post.updateMany({
        where: { id: original.id },
        data: { repostsCount: { increment: 1 } },
      });
      if (count === 0) throw noSuchPost();
      await requireBelowPostLimit(tx, authorId);
      await tx.post.create({
        data: { id, authorId, content, isRepost: true, repostOfId: original.id },
      });
      const where = { postId: id, commentId: null, ownerId: authorId };
      await enqueueNotification(tx, [ownerId], {
        type: 'post_reposted',
        key: `post_reposted:${original.id}:${authorId}`,
        actorId: authorId,
        data: { post_id: original.id, repost_id: id, user_id: authorId },
        ...(mentioned.includes(ownerId) && { fallback: mentionOf(authorId, where) }),
      });
      await enqueueMentionNotifications(
        tx,
        authorId,
        mentioned.filter((userId) => userId !== ownerId),
        where,
      );
    });
  }
}
