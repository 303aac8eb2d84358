import type { CommentPage, PageQuery } from '#contracts';
import { LargePages, PrismaService, idsAfter, type Sized } from '#platform';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { COMMENT_BYTES, COMMENT_COLUMNS, toComment, type CommentRow } from '../comments.js';
import { visibleTo } from '../../visibility.js';
import { Posts } from '../posts.js';

/** Comments and their replies, oldest first. @throws AppError NOT_FOUND, INVALID_DATA (names `cursor`) */
export class ListComments extends Query<CommentPage> {
  constructor(
    readonly readerId: string,
    readonly postId: string,
    readonly page: PageQuery,
  ) {
    super();
  }
}

@QueryHandler(ListComments)
export class ListCommentsHandler implements IQueryHandler<ListComments> {
  constructor(
    private readonly prisma: PrismaService,
    private readonly posts: Posts,
    private readonly large: LargePages,
  ) {}

  async execute({ readerId, postId, page: { limit, cursor } }: ListComments): Promise<CommentPage> {
    await this.posts.require(readerId, postId);
    const found = await this.prisma.$queryRaw<Sized[]>`
      SELECT c.id, ${COMMENT_BYTES} FROM comments c JOIN users author ON author.id = c.author_id
      WHERE c.post_id = ${postId}::uuid AND c.id > ${idsAfter(cursor)}::uuid AND ${visibleTo(readerId, 'author')}
      ORDER BY c.id LIMIT ${limit + 1}`;
    return this.large.list(readerId, found, limit, async (ids) => {
      const rows = await this.prisma.$queryRaw<CommentRow[]>`
        SELECT ${COMMENT_COLUMNS} FROM comments c JOIN users author ON author.id = c.author_id
        WHERE c.id = ANY(${ids}::uuid[]) ORDER BY c.id`;
      return rows.map(toComment);
    });
  }
}
