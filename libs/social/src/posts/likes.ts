import { blockedRoom, followersRoom, userRoom, type LikeAnswer } from '#contracts';
import { notBlocked } from '#identity';
import { NotificationPublisher, causes, revise, enqueueNotifications, type Revised } from '#notifications';
import { WORK, Batcher, Prisma, PrismaService, RealtimeEmitter } from '#platform';
import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { noSuchPost } from './posts.js';

export interface Like {
  postId: string;
  userId: string;
  on: boolean;
}

interface LikeRow {
  post_id: string;
  user_id: string;
  user_name: string;
  author_id: string;
  likes_count: number;
  /** Whether the like is new, or is taken back; neither when nothing changed. */
  added: boolean;
  removed: boolean;
}

const keyOf = ({ post_id, user_id }: LikeRow) => `post_liked:${post_id}:${user_id}`;

/**
 * Likes and their count. A crowd that likes one post would wait for its row with a connection each: instead, all
 * that come while a batch is written share the next one.
 */
@Injectable()
export class Likes implements OnModuleDestroy {
  private readonly batcher = new Batcher<Like, LikeAnswer>((likes) => this.write(likes), {
    maxBatch: 500,
    maxQueued: WORK.lookUps.most.likes,
  });

  constructor(
    private readonly prisma: PrismaService,
    private readonly emitter: RealtimeEmitter,
    private readonly notifications: NotificationPublisher,
  ) {}

  /** @throws AppError NOT_FOUND, UNAVAILABLE */
  set(like: Like): Promise<LikeAnswer> {
    return this.batcher.add(like);
  }

  async onModuleDestroy(): Promise<void> {
    await this.batcher.drain();
  }

  /** What one user asks of one post twice takes turns; everything else is written together. */
  private async write(likes: Like[]): Promise<(LikeAnswer | Error)[]> {
    const answers = new Map<Like, LikeAnswer | Error>();
    for (let rest = likes; rest.length > 0; rest = rest.filter((like) => !answers.has(like))) {
      const batch = new Map<string, Like>();
      for (const like of rest) {
        const key = like.postId + like.userId;
        if (!batch.has(key)) batch.set(key, like);
      }
      const { rows, revised } = await this.store([...batch.values()]);
      const found = new Map(rows.map((row) => [row.post_id + row.user_id, row]));
      for (const [key, like] of batch) {
        const row = found.get(key);
        answers.set(like, row ? { liked: like.on, likes_count: row.likes_count } : noSuchPost());
      }
      for (const row of rows) if (row.added || row.removed) this.show(row);
      await this.notifications.publish(revised);
    }
    return likes.map((like) => answers.get(like)!);
  }

  /** One row per like of a post that its user may see. */
  private store(likes: Like[]): Promise<{ rows: LikeRow[]; revised: Revised[] }> {
    return this.prisma.$transaction(async (tx) => {
      // First and in one order, so that batches of several processes wait for each other, but never in a circle; and
      // in a statement of its own, so that the next one sees what those before have stored.
      const postIds = [...new Set(likes.map(({ postId }) => postId))];
      await tx.$queryRaw`SELECT FROM posts WHERE id = ANY(${postIds}::uuid[]) ORDER BY id FOR NO KEY UPDATE`;
      const rows = await tx.$queryRaw<LikeRow[]>(statement(likes));
      const added = rows.filter((row) => row.added);
      await enqueueNotifications(
        tx,
        added.map((row) => ({
          recipientIds: [row.author_id],
          cause: {
            type: 'post_liked',
            key: keyOf(row),
            actorId: row.user_id,
            data: { post_id: row.post_id, user_id: row.user_id },
          },
        })),
      );
      const removed = rows.filter((row) => row.removed);
      const revised = removed.length > 0 ? await revise(tx, causes.named(removed.map(keyOf))) : [];
      return { rows, revised };
    });
  }

  /** To all who follow either of the two, but for whom a block cuts off from one of them. */
  private show({ post_id, user_id, user_name, author_id, likes_count, removed }: LikeRow): void {
    this.emitter.toRooms(
      [userRoom(author_id), followersRoom(author_id), followersRoom(user_id)],
      'post:liked',
      { post_id, user_id, user_name, likes_count, ...(removed && { liked: false }) },
      [blockedRoom(author_id), blockedRoom(user_id)],
    );
  }
}

/**
 * Under the posts' rows. Who likes is locked, too: a ban at the same moment finds the like, or it is none. The count
 * moves by what was really added and removed.
 */
const statement = (likes: Like[]): Prisma.Sql => Prisma.sql`
  WITH liker AS (
    SELECT id, name FROM users WHERE id = ANY(${[...new Set(likes.map(({ userId }) => userId))]}::uuid[])
      AND banned_at IS NULL ORDER BY id FOR KEY SHARE
  ), asked AS (
    SELECT a.post_id, a.user_id, liker.name AS user_name, a.liked, post.author_id, post.likes_count
    FROM unnest(${likes.map(({ postId }) => postId)}::uuid[], ${likes.map(({ userId }) => userId)}::uuid[],
      ${likes.map(({ on }) => on)}::bool[]) AS a(post_id, user_id, liked)
    JOIN posts post ON post.id = a.post_id JOIN users author ON author.id = post.author_id
    JOIN liker ON liker.id = a.user_id
    WHERE author.banned_at IS NULL AND ${notBlocked(Prisma.raw('a.user_id'), Prisma.raw('author.id'))}
  ), added AS (
    INSERT INTO post_likes (post_id, user_id) SELECT post_id, user_id FROM asked WHERE liked
    ON CONFLICT DO NOTHING RETURNING post_id, user_id
  ), removed AS (
    DELETE FROM post_likes l USING asked a
    WHERE NOT a.liked AND l.post_id = a.post_id AND l.user_id = a.user_id RETURNING l.post_id, l.user_id, l.hidden
  ), counted AS (
    UPDATE posts SET likes_count = posts.likes_count + moved.by
    FROM (
      SELECT post_id, sum(one)::int AS by FROM (
        SELECT post_id, 1 AS one FROM added UNION ALL SELECT post_id, -1 FROM removed WHERE NOT hidden
      ) AS ones GROUP BY post_id
    ) AS moved
    WHERE posts.id = moved.post_id RETURNING posts.id, posts.likes_count
  )
  SELECT a.post_id, a.user_id, a.user_name, a.author_id, COALESCE(counted.likes_count, a.likes_count) AS likes_count,
    added.user_id IS NOT NULL AS added, removed.user_id IS NOT NULL AS removed
  FROM asked a LEFT JOIN counted ON counted.id = a.post_id
  LEFT JOIN added ON added.post_id = a.post_id AND added.user_id = a.user_id
  LEFT JOIN removed ON removed.post_id = a.post_id AND removed.user_id = a.user_id`;
