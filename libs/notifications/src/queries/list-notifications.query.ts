import type { NotificationPage, NotificationQuery } from '#contracts';
import { Prisma, PrismaService, decodeCursor, encodeCursor, pageOf } from '#platform';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { SELECT_ROWS, toDto, type NotificationRow } from '../delivery/notification-rows.js';

/** The user's notifications, latest first, including those that quiet hours delay. */
export class ListNotifications extends Query<NotificationPage> {
  constructor(
    readonly userId: string,
    readonly page: NotificationQuery,
  ) {
    super();
  }
}

@QueryHandler(ListNotifications)
export class ListNotificationsHandler implements IQueryHandler<ListNotifications> {
  constructor(private readonly prisma: PrismaService) {}

  async execute({ userId, page: { limit, cursor, type, is_read } }: ListNotifications) {
    const conditions = [Prisma.sql`n.user_id = ${userId}::uuid AND NOT n.hidden`];
    if (is_read !== undefined)
      conditions.push(is_read ? Prisma.sql`n.read_at IS NOT NULL` : Prisma.sql`n.read_at IS NULL`);
    if (type) conditions.push(Prisma.sql`n.type = ${type}::notification_type`);
    const [at, id] = decodeCursor(cursor, 'number', 'id');
    if (at !== undefined) conditions.push(Prisma.sql`(n.updated_at, n.id) < (${new Date(at)}, ${id}::uuid)`);
    const rows = await this.prisma.$queryRaw<NotificationRow[]>`
      ${SELECT_ROWS} WHERE ${Prisma.join(conditions, ' AND ')}
      ORDER BY n.updated_at DESC, n.id DESC LIMIT ${limit + 1}`;
    return pageOf(rows.map(toDto), limit, (last) => encodeCursor([Date.parse(last.updated_at), last.id]));
  }
}
