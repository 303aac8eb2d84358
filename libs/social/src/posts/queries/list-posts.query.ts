import type { PageQuery, PostPage } from '#contracts';
import { LargePages, PrismaService, idsBefore, type Sized } from '#platform';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { requireVisible } from '../../visibility.js';
import { POST_BYTES, Posts } from '../posts.js';

/** A user's posts, newest first. @throws AppError NOT_FOUND, INVALID_DATA (names `cursor`) */
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
    private readonly large: LargePages,
  ) {}

  async execute({ readerId, authorId, page: { limit, cursor } }: ListPosts): Promise<PostPage> {
    await requireVisible(this.prisma, readerId, authorId);
    const found = await this.prisma.$queryRaw<Sized[]>`
      SELECT p.id, ${POST_BYTES} FROM (
        SELECT id, repost_of_id FROM posts WHERE author_id = ${authorId}::uuid AND id < ${idsBefore(cursor)}::uuid
        ORDER BY id DESC LIMIT ${limit + 1}
      ) p ORDER BY p.id DESC`;
    return this.large.list(readerId, found, limit, (ids) => this.posts.of(readerId, ids));
  }
}
