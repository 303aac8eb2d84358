import { Prisma, READS } from '#platform';

/**
 * SQL expression over a chat `c` and its member `p`: the member's unread count. That is the messages after the read
 * cursor, without their own and deleted ones. It counts only deletions, never unread messages. Of more than 1,000
 * deletions, the older ones count as unread.
 */
export const UNREAD_COUNT = Prisma.raw(`(c.last_seq - p.last_read_seq - p.own_after_read
  - (SELECT count(*) FILTER (WHERE d.sender_id <> p.user_id) FROM (
     SELECT x.sender_id FROM messages x WHERE x.chat_id = p.chat_id AND x.seq > p.last_read_seq AND x.deleted_at IS NOT NULL
     ORDER BY x.seq DESC LIMIT ${READS.deletedUnread.most}) d))::int`);

/**
 * CTEs after one of `member`s of a chat, with their `user_id`, `last_read_seq` and `own_after_read`, and the chat's
 * `last_seq`. They give the same count as `unread`, by `user_id` and `unread_count`. Deletions are read once for all
 * members, and counted downwards from the newest: all of them, and the member's own.
 */
export const unreadOfMembers = (chatId: string): Prisma.Sql => Prisma.sql`
  deleted AS MATERIALIZED (
    SELECT seq, sender_id FROM messages
    WHERE chat_id = ${chatId}::uuid AND seq > (SELECT min(last_read_seq) FROM member) AND deleted_at IS NOT NULL
    ORDER BY seq DESC LIMIT ${READS.deletedUnread.most}
  ), counted AS (
    SELECT user_id, is_mark, sum(1 - is_mark) OVER (ORDER BY seq DESC, is_mark DESC ROWS UNBOUNDED PRECEDING)
      - sum(1 - is_mark) OVER (PARTITION BY user_id ORDER BY seq DESC, is_mark DESC ROWS UNBOUNDED PRECEDING) AS of_others
    FROM (
      SELECT sender_id AS user_id, seq, 0 AS is_mark FROM deleted
      UNION ALL SELECT user_id, last_read_seq, 1 FROM member
    ) line
  ), unread AS (
    SELECT user_id, (m.last_seq - m.last_read_seq - m.own_after_read - counted.of_others)::int AS unread_count
    FROM counted JOIN member m USING (user_id) WHERE counted.is_mark = 1
  )`;
