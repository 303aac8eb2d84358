import { AppError, type PersonDto, type PostDto } from '#contracts';
import { KeyedQueue, Metrics, Prisma, PrismaService, WORK } from '#platform';
import { Injectable } from '@nestjs/common';
import { visibleTo, person } from '../visibility.js';

type PostRow = Omit<PostDto, 'repost_of' | 'created_at'> & {
  author: PersonDto;
  repost_of_id: string | null;
  created_at: Date;
};

/** SQL expression: the approximate size of a post `p` in bytes, including the original of a repost. */
export const POST_BYTES = Prisma.raw(`(
  SELECT sum(500 + octet_length(shown.content) + octet_length(shown.media_urls::text) + octet_length(coalesce(author.avatar, '')))::int
  FROM posts shown JOIN users author ON author.id = shown.author_id WHERE shown.id IN (p.id, p.repost_of_id)) AS bytes`);

export const noSuchPost = () => new AppError('NOT_FOUND', 'No such post');

/** Reads posts as shown to a reader. A hidden post is treated as missing. */
@Injectable()
export class Posts {
  private readonly queue: KeyedQueue;

  constructor(
    private readonly prisma: PrismaService,
    metrics: Metrics,
  ) {
    this.queue = new KeyedQueue({
      maxWaiting: WORK.postChanges.most,
      onRefused: () => metrics.refuse(WORK.postChanges),
      sharesOutage: true,
    });
  }

  /**
   * Runs a change that counts on a post. All such changes, including likes, wait for the post's row. They queue here,
   * so many concurrent changes hold one connection, and likes wait for one change at most. The database serializes
   * changes of other nodes.
   * @throws AppError UNAVAILABLE (when too many wait), any error of `change`, or an outage of an earlier change
   */
  change<T>(postId: string, change: (tx: Prisma.TransactionClient) => Promise<T>): Promise<T> {
    return this.queue.run(postId, () => this.prisma.$transaction(change));
  }

  /** @throws AppError NOT_FOUND */
  async require(readerId: string | null, postId: string): Promise<PostDto> {
    const [post] = await this.of(readerId, [postId]);
    if (!post) throw noSuchPost();
    return post;
  }

  /** The posts among these that the reader may see, in the order of the ids: two queries, however many. */
  async of(readerId: string | null, ids: string[]): Promise<PostDto[]> {
    const rows = await this.rows(readerId, ids);
    const originals = await this.rows(readerId, [...new Set(rows.flatMap((row) => row.repost_of_id ?? []))]);
    const byId = new Map(originals.map((row) => [row.id, toPost(row, null)]));
    return rows.map((row) => toPost(row, byId.get(row.repost_of_id!) ?? null));
  }

  private async rows(readerId: string | null, ids: string[]): Promise<PostRow[]> {
    if (ids.length === 0) return [];
    return this.prisma.$queryRaw<PostRow[]>`
      SELECT p.id, ${person('author')} AS author, p.content, p.media_urls, p.is_repost, p.repost_of_id,
        p.likes_count, p.comments_count, p.reposts_count, p.created_at,
        EXISTS (SELECT FROM post_likes l WHERE l.post_id = p.id AND l.user_id = ${readerId}::uuid) AS liked
      FROM unnest(${ids}::uuid[]) WITH ORDINALITY AS asked(id, place)
      JOIN posts p ON p.id = asked.id JOIN users author ON author.id = p.author_id
      WHERE ${visibleTo(readerId, 'author')}
      ORDER BY asked.place`;
  }
}

const toPost = ({ repost_of_id: _, created_at, ...row }: PostRow, repost_of: PostDto | null): PostDto => ({
  ...row,
  repost_of,
  created_at: created_at.toISOString(),
});
