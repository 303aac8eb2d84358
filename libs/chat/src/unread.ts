import { Prisma, READS } from '#platform';

/**
 * A member's unread count as an SQL expression over a chat `c` and a member `p` of it: what comes after the read
 * mark, without their own and without deleted messages. Counts deletions only, never what is unread. More than 10,000
 * of them count as unread.
 */
export const UNREAD_COUNT = Prisma.raw(`(c.last_seq - p.last_read_seq - p.own_after_read
  - (SELECT count(*) FILTER (WHERE d.sender_id <> p.user_id) FROM (
     SELECT x.sender_id FROM messages x WHERE x.chat_id = p.chat_id AND x.seq > p.last_read_seq AND x.deleted_at IS NOT NULL
     ORDER BY x.seq LIMIT ${READS.deletedUnread.most}) d))::int`);
