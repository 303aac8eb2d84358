import { Prisma, READS } from '#platform';

/**
 * A member's unread count as an SQL expression over a chat `c` and a member `p` of it: what comes after the read
 * mark, without their own and without deleted messages. Counts deletions only, never what is unread. More than 10,000
 * of them count as unread.
 */
export const UNREAD_COUNT = Prisma.raw(`(c.last_seq - p.last_read_seq - p.own_after_read
  - (SELECT count(*) FROM (SELECT FROM messages x WHERE x.chat_id = p.chat_id AND x.seq > p.last_read_seq
     AND x.deleted_at IS NOT NULL AND x.sender_id <> p.user_id LIMIT ${READS.deletedUnread.most}) deleted))::int`);
