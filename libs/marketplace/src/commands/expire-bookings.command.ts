import { tell } from '#notifications';
import { PrismaService } from '#platform';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { Bookings, factsOf } from '../bookings.js';

const DAY_MS = 24 * 3600_000;
const BATCH = 100;

/** Ends requests that nobody answered within 24 hours, or before their start; the client is told. */
export class ExpireBookings extends Command<void> {
  constructor(readonly now = new Date()) {
    super();
  }
}

@CommandHandler(ExpireBookings)
export class ExpireBookingsHandler implements ICommandHandler<ExpireBookings> {
  constructor(
    private readonly prisma: PrismaService,
    private readonly bookings: Bookings,
  ) {}

  async execute({ now }: ExpireBookings): Promise<void> {
    for (let expired = BATCH; expired === BATCH;) {
      const ids = await this.expireSome(now);
      for (const id of ids) await this.bookings.announce(id);
      expired = ids.length;
    }
  }

  private expireSome(now: Date): Promise<string[]> {
    const unanswered = new Date(now.getTime() - DAY_MS);
    return this.prisma.$transaction(async (tx) => {
      // Two workers at once take different ones.
      const rows = await tx.$queryRaw<{ id: string }[]>`
        UPDATE bookings SET status = 'expired', updated_at = ${now} WHERE id IN (
          SELECT id FROM bookings WHERE status = 'requested' AND (created_at <= ${unanswered} OR starts_at <= ${now})
          ORDER BY id LIMIT ${BATCH} FOR UPDATE SKIP LOCKED
        ) RETURNING id`;
      const ids = rows.map(({ id }) => id);
      for (const row of await tx.booking.findMany({ where: { id: { in: ids } } }))
        await tell(tx, [row.clientId], {
          type: 'booking_cancelled',
          key: `booking_cancelled:${row.id}`,
          actorId: null,
          data: { ...(await factsOf(tx, row)), outcome: 'expired', reason: null },
        });
      return ids;
    });
  }
}
