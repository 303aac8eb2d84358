import type { PageQuery, PostPage } from '#contracts';
import { PrismaService, idsBefore, pageOf, withinIdPage } from '#platform';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { visibleTo } from '../visibility.js';
import { Posts } from '../posts.js';

/**
 * Posts of whom one follows, of friends and of one's own, newest first (contract, `GET feed`).
 * @throws AppError INVALID_DATA (cursor)
 */
export class GetFeed extends Query<PostPage> {
  constructor(
    readonly readerId: string,
    readonly page: PageQuery,
  ) {
    super();
  }
}

@QueryHandler(GetFeed)
export class GetFeedHandler implements IQueryHandler<GetFeed> {
  constructor(
    private readonly prisma: PrismaService,
    private readonly posts: Posts,
  ) {}

  /**
   * A page of N has posts of at most N authors: of those whose newest posts are the N newest. So each author costs
   * one look into an index, and N of them a page each, however much all have written.
   */
  async execute({ readerId, page: { limit, cursor } }: GetFeed): Promise<PostPage> {
    const before = idsBefore(cursor);
    const rows = await this.prisma.$queryRaw<{ id: string }[]>`
      WITH author AS (
        SELECT followee_id AS id FROM follows WHERE follower_id = ${readerId}::uuid
        UNION SELECT friend_id FROM friends WHERE user_id = ${readerId}::uuid
        UNION SELECT ${readerId}::uuid
      ), recent AS (
        SELECT a.id FROM author a JOIN users u ON u.id = a.id CROSS JOIN LATERAL (
          SELECT id FROM posts WHERE author_id = a.id AND id < ${before}::uuid ORDER BY id DESC LIMIT 1
        ) newest
        WHERE ${visibleTo(readerId, 'u')}
        ORDER BY newest.id DESC LIMIT ${limit + 1}
      )
      SELECT p.id FROM recent CROSS JOIN LATERAL (
        SELECT id FROM posts WHERE author_id = recent.id AND id < ${before}::uuid ORDER BY id DESC LIMIT ${limit + 1}
      ) p
      ORDER BY p.id DESC LIMIT ${limit + 1}`;
    const { items, next_cursor } = pageOf(rows, limit);
    const ids = items.map(({ id }) => id);
    return withinIdPage({ items: await this.posts.of(readerId, ids), next_cursor });
  }
}
