import { Prisma } from '#platform';

/** Limit of named users per reaction. */
const USERS_SHOWN = 50;

/**
 * The reactions to the message `m` in the format of its column `reactions`: emoji in the order of their first use, and
 * users in the order of their reactions, without banned users. For a statement that reads or updates `messages m`.
 */
export const REACTIONS = Prisma.sql`(
  SELECT coalesce(jsonb_agg(jsonb_build_object('emoji', kind.emoji, 'count', kind.count, 'user_ids',
    kind.user_ids[1:${USERS_SHOWN}::int]) ORDER BY kind.since, kind.emoji), '[]')
  FROM (
    SELECT r.emoji, count(*)::int AS count, min(r.created_at) AS since,
      array_agg(r.user_id ORDER BY r.created_at, r.user_id) AS user_ids
    FROM message_reactions r JOIN users u ON u.id = r.user_id
    WHERE r.message_id = m.id AND u.banned_at IS NULL GROUP BY r.emoji
  ) kind)`;
