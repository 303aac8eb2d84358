import type { SyncNotifications as Answer } from '#contracts';
import { Prisma, PrismaService } from '#platform';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { SELECT_ROWS, UNREAD_COUNT, toDto, type NotificationRow } from '../notification-rows.js';

/** The list has the rest. */
const MOST = 50;
/** Whoever misses more than these loads the list anew. */
const MOST_REMOVED = 200;

/**
 * The notifications' part of `GET sync`. `known` is PostgreSQL's text form of a snapshot: told is what it did not
 * see, be it new, added to, read or removed; everything when it is empty. To be asked after the next cursor's snapshot was
 * taken, so that nothing falls between.
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
    // An invisible change is not older than the snapshot's oldest transaction: an index finds it.
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
