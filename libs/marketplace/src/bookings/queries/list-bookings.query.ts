import type { BookingPage, BookingQuery } from '#contracts';
import { LargePages, Prisma, PrismaService, decodeCursor, encodeCursor, type Sized } from '#platform';
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
    private readonly large: LargePages,
  ) {}

  async execute({ userId, query: { role, status, limit, cursor } }: ListBookings): Promise<BookingPage> {
    const of = (side: 'master' | 'client') => Prisma.sql`
      (SELECT id, starts_at FROM bookings WHERE ${Prisma.raw(`${side}_id`)} = ${userId}::uuid AND ${before(cursor)}
         AND ${status ? Prisma.sql`status = ${status}::booking_status` : Prisma.sql`true`}
       ORDER BY starts_at DESC, id DESC LIMIT ${limit + 1})`;
    // Each role has its own index.
    const sides = role ? of(role) : Prisma.sql`${of('master')} UNION ALL ${of('client')}`;
    const found = await this.prisma.$queryRaw<(Sized & { starts_at: Date })[]>`
      SELECT b.id, b.starts_at, ${BYTES} FROM (
        SELECT id FROM (${sides}) b ORDER BY starts_at DESC, id DESC LIMIT ${limit + 1}
      ) page
      JOIN bookings b ON b.id = page.id JOIN users master ON master.id = b.master_id
      JOIN users client ON client.id = b.client_id LEFT JOIN reviews r ON r.booking_id = b.id
      ORDER BY b.starts_at DESC, b.id DESC`;
    const read = async (ids: string[]) => {
      const rows = await this.prisma.booking.findMany({
        where: { id: { in: ids } },
        orderBy: [{ startsAt: 'desc' }, { id: 'desc' }],
        ...BOOKING,
      });
      return this.bookings.seenBy(userId, rows);
    };
    return this.large.list(userId, found, limit, read, ({ id, starts_at }) =>
      encodeCursor([starts_at.getTime(), id]),
    );
  }
}

/** About how many bytes a booking has. The client's picture is in the review, too. */
const BYTES = Prisma.raw(`1000 + octet_length(concat(b.note, b.reason, master.avatar, client.avatar))
  + CASE WHEN r.id IS NULL THEN 0 ELSE 500 + octet_length(concat(r.text, client.avatar)) END AS bytes`);

function before(cursor?: string): Prisma.Sql {
  const [startsAt, id] = decodeCursor(cursor, 'number', 'id');
  if (startsAt === undefined) return Prisma.sql`true`;
  return Prisma.sql`(starts_at, id) < (${new Date(startsAt)}, ${id}::uuid)`;
}
