import type { SyncNotifications as Answer } from '#contracts';
import { Prisma, PrismaService } from '#platform';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { SELECT_ROWS, UNREAD_COUNT, toDto, type NotificationRow } from '../delivery/notification-rows.js';

/** Limit of notifications in a sync. The list has the rest. */
const MOST = 50;
/** A client that missed more removals than this reloads the list. */
const MOST_REMOVED = 200;

/**
 * The notifications' part of `GET sync`. `known` is a PostgreSQL snapshot as text: the answer has every notification
 * created, updated, read or removed since. When it is empty, the answer has the newest. Run this query after taking the
 * snapshot of the next cursor, so that no change is missed.
 */
export class SyncNotifications extends Query<Answer> {
  constructor(
    readonly userId: string,
    readonly known: string,
  ) {
    super();
  }
}

@QueryHandler(SyncNotifications)
export class SyncNotificationsHandler implements IQueryHandler<SyncNotifications> {
  constructor(private readonly prisma: PrismaService) {}

  async execute({ userId, known }: SyncNotifications): Promise<Answer> {
    // A change that the snapshot does not see is not older than its oldest transaction. This condition uses an index.
    const changed = known
      ? Prisma.sql`AND n.changed_xid >= pg_snapshot_xmin(${known}::text::pg_snapshot)
          AND NOT pg_visible_in_snapshot(n.changed_xid, ${known}::text::pg_snapshot)`
      : Prisma.empty;
    const [rows, removed, [count]] = await Promise.all([
      this.prisma.$queryRaw<NotificationRow[]>`
        ${SELECT_ROWS} WHERE n.user_id = ${userId}::uuid AND NOT n.hidden ${changed}
        ORDER BY n.updated_at DESC, n.id DESC LIMIT ${MOST}`,
      known
        ? this.prisma.$queryRaw<{ id: string }[]>`
            SELECT n.id FROM notifications n WHERE n.user_id = ${userId}::uuid AND n.hidden ${changed}
            ORDER BY n.updated_at DESC, n.id DESC LIMIT ${MOST_REMOVED}`
        : [],
      this.prisma.$queryRaw<[{ unread_count: number }]>`${UNREAD_COUNT(userId)}`,
    ]);
    return {
      unread_count: count.unread_count,
      items: rows.map(toDto),
      ...(removed.length > 0 && { removed: removed.map(({ id }) => id) }),
    };
  }
}
