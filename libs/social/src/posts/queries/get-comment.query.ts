import { AppError, type CommentDto } from '#contracts';
import { PrismaService } from '#platform';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { COMMENT_COLUMNS, toComment, type CommentRow } from '../comments.js';
import { visibleTo } from '../../visibility.js';

/** One comment. @throws AppError NOT_FOUND (also when its author or the post's is hidden from the reader) */
export class GetComment extends Query<CommentDto> {
  constructor(
    /** Null ignores blocks. */
    readonly readerId: string | null,
    readonly commentId: string,
  ) {
    super();
  }
}

@QueryHandler(GetComment)
export class GetCommentHandler implements IQueryHandler<GetComment> {
  constructor(private readonly prisma: PrismaService) {}

  async execute({ readerId, commentId }: GetComment): Promise<CommentDto> {
    const [row] = await this.prisma.$queryRaw<CommentRow[]>`
      SELECT ${COMMENT_COLUMNS} FROM comments c JOIN posts p ON p.id = c.post_id
      JOIN users author ON author.id = c.author_id JOIN users owner ON owner.id = p.author_id
      WHERE c.id = ${commentId}::uuid AND ${visibleTo(readerId, 'author')} AND ${visibleTo(readerId, 'owner')}`;
    if (!row) throw new AppError('NOT_FOUND', 'No such comment');
    return toComment(row);
  }
}
