import type { PageQuery, PostPage } from '#contracts';
import { PrismaService, idsBefore, pageOf, withinIdPage } from '#platform';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { requireVisible } from '../visibility.js';
import { Posts } from '../posts.js';

/** A user's posts, newest first. @throws AppError NOT_FOUND, INVALID_DATA (cursor) */
export class ListPosts extends Query<PostPage> {
  constructor(
    readonly readerId: string,
    readonly authorId: string,
    readonly page: PageQuery,
  ) {
    super();
  }
}

@QueryHandler(ListPosts)
export class ListPostsHandler implements IQueryHandler<ListPosts> {
  constructor(
    private readonly prisma: PrismaService,
    private readonly posts: Posts,
  ) {}

  async execute({ readerId, authorId, page: { limit, cursor } }: ListPosts): Promise<PostPage> {
    await requireVisible(this.prisma, readerId, authorId);
    const rows = await this.prisma.post.findMany({
      where: { authorId, id: { lt: idsBefore(cursor) } },
      orderBy: { id: 'desc' },
      take: limit + 1,
      select: { id: true },
    });
    const { items, next_cursor } = pageOf(rows, limit);
    const ids = items.map(({ id }) => id);
    return withinIdPage({ items: await this.posts.of(readerId, ids), next_cursor });
  }
}
