import type { PageQuery, PostPage } from '#contracts';
import { LargePages, PrismaService, idsBefore, type Sized } from '#platform';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { visibleTo } from '../../visibility.js';
import { POST_BYTES, Posts } from '../posts.js';

/**
 * Posts of people whom the user follows, of friends and their own, newest first (`GET feed`).
 * @throws AppError INVALID_DATA (names `cursor`)
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
    private readonly large: LargePages,
  ) {}

  /**
   * A page of N posts has at most N authors: those with the N newest latest posts. So each author costs one index
   * lookup, and N authors a page each, however many posts exist.
   */
  async execute({ readerId, page: { limit, cursor } }: GetFeed): Promise<PostPage> {
    const before = idsBefore(cursor);
    const found = await this.prisma.$queryRaw<Sized[]>`
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
      SELECT p.id, ${POST_BYTES} FROM (
        SELECT p.* FROM recent CROSS JOIN LATERAL (
          SELECT id, repost_of_id FROM posts WHERE author_id = recent.id AND id < ${before}::uuid
          ORDER BY id DESC LIMIT ${limit + 1}
        ) p
        ORDER BY p.id DESC LIMIT ${limit + 1}
      ) p ORDER BY p.id DESC`;
    return this.large.list(readerId, found, limit, (ids) => this.posts.of(readerId, ids));
  }
}
