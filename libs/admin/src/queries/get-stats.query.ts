import type { StatsDto } from '#contracts';
import { Prisma, PrismaService } from '#platform';
import { Presence } from '#presence';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { counts } from '../counts.js';

/** Counts of the whole system (`GET admin/stats`). The cost does not grow with the data. */
export class GetStats extends Query<StatsDto> {}

const bookings = (status: keyof StatsDto['bookings']) =>
  Prisma.sql`bookings WHERE status = ${Prisma.raw(`'${status}'`)}`;

/** Each condition has its own index. */
const COUNTED = {
  'users.all': Prisma.sql`users`,
  'users.new_today': Prisma.sql`users WHERE created_at >= date_trunc('day', now())`,
  'users.banned': Prisma.sql`users WHERE banned_at IS NOT NULL`,
  chats: Prisma.sql`chats`,
  messages: Prisma.sql`messages`,
  posts: Prisma.sql`posts`,
  'bookings.requested': bookings('requested'),
  'bookings.confirmed': bookings('confirmed'),
  'bookings.completed': bookings('completed'),
  'bookings.declined': bookings('declined'),
  'bookings.cancelled': bookings('cancelled'),
  'bookings.expired': bookings('expired'),
  open_reports: Prisma.sql`reports WHERE status = 'open'`,
};

@QueryHandler(GetStats)
export class GetStatsHandler implements IQueryHandler<GetStats> {
  constructor(
    private readonly prisma: PrismaService,
    private readonly presence: Presence,
  ) {}

  async execute(): Promise<StatsDto> {
    const { counted, estimated } = await counts(this.prisma, COUNTED);
    return {
      users: {
        all: counted['users.all'],
        online: await this.presence.onlineCount(),
        new_today: counted['users.new_today'],
        banned: counted['users.banned'],
      },
      chats: counted.chats,
      messages: counted.messages,
      posts: counted.posts,
      bookings: {
        requested: counted['bookings.requested'],
        confirmed: counted['bookings.confirmed'],
        completed: counted['bookings.completed'],
        declined: counted['bookings.declined'],
        cancelled: counted['bookings.cancelled'],
        expired: counted['bookings.expired'],
      },
      open_reports: counted.open_reports,
      estimated,
    };
  }
}
