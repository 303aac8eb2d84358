import { MAX_MEMBERS } from '#contracts';
import { Prisma, WORK } from '#platform';
import type { AdvancedCursor } from './read-cursors.sql.js';

/** Limit of individual receipts for one member who returns after a long absence. */
export const MAX_RECEIPTS = WORK.receipts.most.published;
/** Limit of newest messages considered: a member's own and deleted messages need no receipt. */
const MAX_COVERED = WORK.receipts.most.lookedAt;
/** In large chats: only the senders of this many newest messages are notified. */
const LARGE_CHAT_WINDOW = WORK.receiptCounts.most.messages;

/** SQL expression: a key of two users, in either order. */
const pair = (a: string, b: string): Prisma.Sql =>
  Prisma.raw(`LEAST(${a}, ${b})::text || GREATEST(${a}, ${b})`);

export interface CoveredRow {
  covered: [ord: number, id: string, seq: number, senderId: string][] | null;
}

/**
 * Messages of other users that the cursors moved over, oldest first. Without those across a block, and of former
 * members.
 *
 * One JSON value: with thousands of rows, each field would be decoded separately. Members and blocks are read per
 * chat, not per message. LIMIT keeps the planner on the keys.
 */
export function messagesCovered(cursors: AdvancedCursor[]): Prisma.Sql {
  const ranges = cursors.map(({ ord, chat_id, user_id, ...m }) => ({
    ord,
    chat_id,
    user_id,
    after: m.new_read > m.old_read ? Math.min(m.old_read, m.old_delivered) : m.old_delivered,
    upto: m.new_delivered > m.old_delivered ? m.new_delivered : m.new_read,
  }));
  return Prisma.sql`
    WITH r AS MATERIALIZED (
      SELECT * FROM json_to_recordset(${JSON.stringify(ranges)}::json)
        AS r(ord int, chat_id uuid, user_id uuid, after int, upto int)
    ), c AS MATERIALIZED (
      SELECT c.id, c.type, members.ids, cuts.pairs FROM (SELECT DISTINCT chat_id FROM r) d
      CROSS JOIN LATERAL (SELECT id, type FROM chats WHERE id = d.chat_id AND NOT blocked LIMIT 1) c
      CROSS JOIN LATERAL (
        SELECT array_agg(user_id) AS ids FROM chat_members
        WHERE c.type = 'group' AND chat_id = c.id AND left_at IS NULL
      ) members
      CROSS JOIN LATERAL (
        SELECT array_agg(${pair('b.blocker_id', 'b.blocked_id')}) AS pairs FROM unnest(members.ids) AS member
        CROSS JOIN LATERAL (
          SELECT blocker_id, blocked_id FROM blocks
          WHERE blocker_id = member AND blocked_id = ANY(members.ids) LIMIT ${MAX_MEMBERS}
        ) b
      ) cuts
    )
    SELECT json_agg(json_build_array(r.ord, m.id, m.seq, m.sender_id) ORDER BY m.seq) AS covered
    FROM r JOIN c ON c.id = r.chat_id
    CROSS JOIN LATERAL (
      SELECT id, seq, sender_id FROM messages
      WHERE chat_id = r.chat_id AND seq > GREATEST(r.after, r.upto - ${MAX_COVERED}) AND seq <= r.upto AND sender_id <> r.user_id AND deleted_at IS NULL
      ORDER BY seq DESC LIMIT ${MAX_RECEIPTS}
    ) m
    WHERE c.type = 'direct' OR m.sender_id = ANY(c.ids)
      AND (c.pairs IS NULL OR ${pair('r.user_id', 'm.sender_id')} <> ALL(c.pairs))`;
}

export interface SeenRow {
  id: string;
  sender_id: string;
  delivered_count: number;
  read_count: number;
}

/**
 * The newest message of each latest sender, and how many members have received and read it.
 *
 * The members are read once for all messages. In the sorted marks, `width_bucket` finds by bisection how many are below
 * the message. Then the marks of the sender and of members across a block from them are taken away.
 */
export const newestOfSenders = (chatId: string, after: number): Prisma.Sql => Prisma.sql`
  WITH members AS MATERIALIZED (
    SELECT user_id, last_delivered_seq, last_read_seq FROM chat_members
    WHERE chat_id = ${chatId}::uuid AND left_at IS NULL
  ), marks AS MATERIALIZED (
    SELECT array_agg(user_id) AS ids, array_agg(last_delivered_seq ORDER BY last_delivered_seq) AS delivered,
      array_agg(last_read_seq ORDER BY last_read_seq) AS read
    FROM members
  ), newest AS MATERIALIZED (
    SELECT DISTINCT ON (w.sender_id) w.id, w.seq, w.sender_id
    FROM (SELECT id, seq, sender_id FROM messages WHERE chat_id = ${chatId}::uuid AND seq > ${after}
          ORDER BY seq DESC LIMIT ${LARGE_CHAT_WINDOW}) w
    JOIN members ON members.user_id = w.sender_id
    ORDER BY w.sender_id, w.seq DESC
  ), apart AS (
    SELECT sender_id, sender_id AS user_id FROM newest
    UNION SELECT blocker_id, blocked_id FROM newest CROSS JOIN LATERAL (
      SELECT blocker_id, blocked_id FROM blocks
      WHERE blocker_id = sender_id AND blocked_id = ANY((SELECT ids FROM marks)::uuid[]) LIMIT ${MAX_MEMBERS}
    ) b
    UNION SELECT blocked_id, blocker_id FROM members CROSS JOIN LATERAL (
      SELECT blocker_id, blocked_id FROM blocks
      WHERE blocker_id = user_id AND blocked_id = ANY(ARRAY(SELECT sender_id FROM newest)) LIMIT ${LARGE_CHAT_WINDOW}
    ) b
  )
  SELECT m.id, m.sender_id,
    (cardinality(marks.delivered) - width_bucket(m.seq - 1, marks.delivered) - hidden.delivered)::int AS delivered_count,
    (cardinality(marks.read) - width_bucket(m.seq - 1, marks.read) - hidden.read)::int AS read_count
  FROM newest m CROSS JOIN marks JOIN (
    SELECT n.sender_id, count(*) FILTER (WHERE last_delivered_seq >= n.seq) AS delivered,
      count(*) FILTER (WHERE last_read_seq >= n.seq) AS read
    FROM apart JOIN newest n USING (sender_id) JOIN members USING (user_id) GROUP BY n.sender_id
  ) hidden ON hidden.sender_id = m.sender_id`;
