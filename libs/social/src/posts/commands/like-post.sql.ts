import { notBlocked } from '#identity';
import { Prisma } from '#platform';

interface Like {
  postId: string;
  userId: string;
  on: boolean;
}

export interface LikeRow {
  post_id: string;
  user_id: string;
  user_name: string;
  author_id: string;
  likes_count: number;
  /** Whether the like was added or removed; both are false when nothing changed. */
  added: boolean;
  removed: boolean;
}

/**
 * Runs under the locks of the posts' rows. The rows of the users are locked too: a concurrent ban either finds the
 * like, or prevents it. The count changes by the likes that were really added and removed.
 */
export const writeLikes = (likes: Like[]): Prisma.Sql => Prisma.sql`
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
