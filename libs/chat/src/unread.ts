import { Prisma } from '#platform';

/**
 * A member's unread count as an SQL expression: everything after the read mark, without their own and without
 * deleted messages. Two short index ranges are subtracted, so its cost does not grow with what is unread.
 */
export const unreadCount = (chatId: string, lastSeq: string, userId: string, lastReadSeq: string) =>
  Prisma.raw(`(${lastSeq} - ${lastReadSeq}
    - (SELECT count(*) FROM messages x
       WHERE x.chat_id = ${chatId} AND x.sender_id = ${userId} AND x.seq > ${lastReadSeq})
    - (SELECT count(*) FROM messages x
       WHERE x.chat_id = ${chatId} AND x.seq > ${lastReadSeq} AND x.deleted_at IS NOT NULL AND x.sender_id <> ${userId})
  )::int`);
