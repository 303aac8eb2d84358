import type { NotificationCause, NotificationKind } from '#contracts';
import { Prisma } from '#platform';

/** Whether such a row exists, using an index per cause: `EXISTS` may be planned as a scan of the whole table. */
const found = (from: Prisma.Sql): Prisma.Sql => Prisma.sql`((SELECT true ${from} LIMIT 1) IS TRUE)`;

const id = (name: string): Prisma.Sql => Prisma.raw(`(c.data->>'${name}')::uuid`);

/** The friendship that resulted from this request: the latest one between the two people. */
const BEFRIENDED = Prisma.sql`r.status = 'accepted'
  AND EXISTS (SELECT FROM friends f WHERE f.user_id = r.from_id AND f.friend_id = r.to_id)
  AND NOT EXISTS (SELECT FROM friend_requests later WHERE later.status = 'accepted' AND later.id > r.id
    AND later.from_id IN (r.from_id, r.to_id) AND later.to_id IN (r.from_id, r.to_id))`;

/** Never null, although most causes have no outcome. */
const DISPUTED = Prisma.sql`c.data->>'outcome' IS NOT DISTINCT FROM 'disputed'`;

/** A cancelled or expired visit does not count. */
const VISIT = found(
  Prisma.sql`FROM bookings WHERE id = ${id('booking_id')} AND status NOT IN ('cancelled', 'expired')`,
);

const COMMENT = found(Prisma.sql`FROM comments WHERE id = ${id('comment_id')}`);

/** Per type: whether the cause in row `c` was not undone. A type without a condition stays valid for ever. */
const DONE: Partial<Record<NotificationKind, Prisma.Sql>> = {
  booking_request: VISIT,
  booking_confirmed: Prisma.sql`(${DISPUTED} OR ${VISIT})`,
  friend_request: found(Prisma.sql`FROM friend_requests r
    WHERE r.id = ${id('request_id')} AND (r.status = 'pending' OR ${BEFRIENDED})`),
  friend_accepted: found(
    Prisma.sql`FROM friend_requests r WHERE r.id = ${id('request_id')} AND ${BEFRIENDED}`,
  ),
  post_liked: found(Prisma.sql`FROM post_likes WHERE post_id = ${id('post_id')} AND user_id = c.actor_id`),
  post_commented: COMMENT,
  // A repost stays when its original is deleted.
  post_reposted: found(
    Prisma.sql`FROM posts WHERE id = ${id('repost_id')} AND repost_of_id = ${id('post_id')}`,
  ),
  mention: Prisma.sql`CASE WHEN c.data->>'comment_id' IS NULL
    THEN ${found(Prisma.sql`FROM posts WHERE id = ${id('post_id')}`)} ELSE ${COMMENT} END`,
  review_received: found(Prisma.sql`FROM reviews WHERE id = ${id('review_id')}`),
};

const WHENS = Prisma.join(
  Object.entries(DONE).map(([type, done]) => Prisma.sql`WHEN ${Prisma.raw(`'${type}'`)} THEN ${done}`),
  ' ',
);

/** Whether the recipient may see the user in this column, if there is one. */
const inSight = (column: string): Prisma.Sql => {
  const other = Prisma.raw(`c.${column}`);
  return Prisma.sql`(${other} IS NULL OR
    ${found(Prisma.sql`FROM users WHERE id = ${other} AND banned_at IS NULL`)}
    AND NOT ${found(Prisma.sql`FROM blocks WHERE blocker_id = c.user_id AND blocked_id = ${other}`)}
    AND NOT ${found(Prisma.sql`FROM blocks WHERE blocker_id = ${other} AND blocked_id = c.user_id`)})`;
};

/** The end of a visit and the dispute of a no-show: they concern the recipient's own visit. */
const ofOwnVisit = (type: Prisma.Sql): Prisma.Sql =>
  Prisma.sql`(${type} = 'booking_cancelled' OR ${type} = 'booking_confirmed' AND ${DISPUTED})`;

/**
 * SQL condition: whether a cause is valid, for a row `c` with the columns of `notification_causes`. It is valid if it
 * was not undone, and no ban and no block is between the recipient and its people. The end of a recipient's own visit
 * is always valid, but is shown without a hidden actor (`SELECT_ROWS`).
 */
export const holds = (type: Prisma.Sql): Prisma.Sql => Prisma.sql`
  (((${inSight('actor_id')} AND ${inSight('owner_id')}) OR ${ofOwnVisit(type)})
    AND CASE ${type} ${WHENS} ELSE true END)`;

/**
 * Locks the row that an undo of the cause deletes or changes. So a concurrent undo waits, and then finds the
 * notification.
 */
export const locksOf = ({ type, actorId, data }: NotificationCause, recipientIds: string[]): Prisma.Sql[] => {
  switch (type) {
    case 'booking_request':
    case 'booking_confirmed':
      return [Prisma.sql`SELECT FROM bookings WHERE id = ${data.booking_id}::uuid FOR SHARE`];
    case 'friend_request':
    case 'friend_accepted':
      return [
        Prisma.sql`SELECT FROM friend_requests WHERE id = ${data.request_id}::uuid FOR SHARE`,
        Prisma.sql`SELECT FROM friends
          WHERE user_id = ${actorId}::uuid AND friend_id = ANY(${recipientIds}::uuid[]) FOR KEY SHARE`,
      ];
    case 'post_liked':
      return [
        Prisma.sql`SELECT FROM post_likes
          WHERE post_id = ${data.post_id}::uuid AND user_id = ${actorId}::uuid FOR KEY SHARE`,
      ];
    case 'post_reposted':
      return [
        Prisma.sql`SELECT FROM posts
          WHERE id IN (${data.post_id}::uuid, ${data.repost_id}::uuid) ORDER BY id FOR KEY SHARE`,
      ];
    case 'post_commented':
    case 'mention':
      return [
        data.comment_id
          ? Prisma.sql`SELECT FROM comments WHERE id = ${data.comment_id}::uuid FOR KEY SHARE`
          : Prisma.sql`SELECT FROM posts WHERE id = ${data.post_id}::uuid FOR KEY SHARE`,
      ];
    default:
      return [];
  }
};
