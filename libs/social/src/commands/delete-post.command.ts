import { AppError, type ROLES } from '#contracts';
import { audit } from '#identity';
import { PrismaService } from '#platform';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { noSuchPost, Posts } from '../posts.js';

/**
 * By its author or an admin; its comments and likes go with it, its reposts stay and point to nothing.
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
  ) {}

  async execute({ user, postId: id }: DeletePost): Promise<void> {
    const post = await this.prisma.post.findUnique({
      where: { id },
      select: { authorId: true, repostOfId: true },
    });
    if (!post) throw noSuchPost();
    if (post.authorId !== user.userId && user.role !== 'admin') {
      await this.posts.require(user.userId, id);
      throw new AppError('FORBIDDEN', 'This is not a post of yours');
    }
    await this.prisma.$transaction(async (tx) => {
      // The original's row first: deleting that takes its reposts' rows after its own.
      if (post.repostOfId)
        await tx.post.updateMany({
          where: { id: post.repostOfId },
          data: { repostsCount: { decrement: 1 } },
        });
      const { count } = await tx.post.deleteMany({ where: { id } });
      if (count === 0) throw noSuchPost();
      if (post.authorId !== user.userId)
        await audit(tx, user.userId, 'post_deleted', id, { author_id: post.authorId });
    });
  }
}
