import { AppError } from '#contracts';
import { PrismaService } from '#platform';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { inSightOf } from '../people.js';

/**
 * By who wrote it, or by the post's author; its answers go with it.
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

const noSuchComment = () => new AppError('NOT_FOUND', 'No such comment');

@CommandHandler(DeleteComment)
export class DeleteCommentHandler implements ICommandHandler<DeleteComment> {
  constructor(private readonly prisma: PrismaService) {}

  async execute({ userId, postId, commentId }: DeleteComment): Promise<void> {
    const [comment] = await this.prisma.$queryRaw<{ mine: boolean; in_sight: boolean }[]>`
      SELECT ${userId}::uuid IN (author.id, owner.id) AS mine,
        ${inSightOf(userId, 'author')} AND ${inSightOf(userId, 'owner')} AS in_sight
      FROM comments c JOIN posts p ON p.id = c.post_id
      JOIN users author ON author.id = c.author_id JOIN users owner ON owner.id = p.author_id
      WHERE c.id = ${commentId}::uuid AND p.id = ${postId}::uuid`;
    if (!comment || !(comment.mine || comment.in_sight)) throw noSuchComment();
    if (!comment.mine)
      throw new AppError('FORBIDDEN', 'This is not a comment of yours, nor on a post of yours');
    await this.prisma.$transaction(async (tx) => {
      // The post's row first: an answer that is being written is here when it is counted, or finds nothing to answer.
      await tx.$queryRaw`SELECT FROM posts WHERE id = ${postId}::uuid FOR NO KEY UPDATE`;
      const { count } = await tx.comment.deleteMany({
        where: { OR: [{ id: commentId }, { parentId: commentId }] },
      });
      if (count === 0) throw noSuchComment();
      await tx.post.update({
        where: { id: postId },
        data: { commentsCount: { decrement: count } },
        select: { id: true },
      });
    });
  }
}
