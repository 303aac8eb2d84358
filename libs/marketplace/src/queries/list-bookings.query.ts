import type { BookingPage, BookingQuery } from '#contracts';
import { Prisma, PrismaService, decodeCursor, encodeCursor } from '#platform';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { BOOKING, Bookings } from '../bookings.js';

/** One's own bookings, latest start first. @throws AppError INVALID_DATA (names `cursor`) */
export class ListBookings extends Query<BookingPage> {
  constructor(
    readonly userId: string,
    readonly query: BookingQuery,
  ) {
    super();
  }
}

@QueryHandler(ListBookings)
export class ListBookingsHandler implements IQueryHandler<ListBookings> {
  constructor(
    private readonly prisma: PrismaService,
    private readonly bookings: Bookings,
  ) {}

  async execute({ userId, query: { role, status, limit, cursor } }: ListBookings): Promise<BookingPage> {
    const of = (side: 'master' | 'client') => Prisma.sql`
      (SELECT id, starts_at FROM bookings WHERE ${Prisma.raw(`${side}_id`)} = ${userId}::uuid AND ${before(cursor)}
         AND ${status ? Prisma.sql`status = ${status}::booking_status` : Prisma.sql`true`}
       ORDER BY starts_at DESC, id DESC LIMIT ${limit + 1})`;
    // Each role has its own index.
    const sides = role ? of(role) : Prisma.sql`${of('master')} UNION ALL ${of('client')}`;
    const found = await this.prisma.$queryRaw<{ id: string; starts_at: Date }[]>`
      SELECT id, starts_at FROM (${sides}) b ORDER BY starts_at DESC, id DESC LIMIT ${limit + 1}`;
    const page = found.slice(0, limit);
    const rows = await this.prisma.booking.findMany({
      where: { id: { in: page.map(({ id }) => id) } },
      orderBy: [{ startsAt: 'desc' }, { id: 'desc' }],
      ...BOOKING,
    });
    const last = page.at(-1);
    return {
      items: await this.bookings.seenBy(userId, rows),
      next_cursor: last && found.length > limit ? encodeCursor([last.starts_at.getTime(), last.id]) : null,
    };
  }
}

function before(cursor?: string): Prisma.Sql {
  if (!cursor) return Prisma.sql`true`;
  const [startsAt, id] = decodeCursor(cursor, 'number', 'id');
  return Prisma.sql`(starts_at, id) < (${new Date(startsAt)}, ${id}::uuid)`;
}
