import { NotificationPublisher, enqueueNotifications, type Revised } from '#notifications';
import { Prisma, PrismaService } from '#platform';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { Bookings, WITH_TIMEZONE, factsOf, reviseBookings, timezoneOf } from '../bookings.js';

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
    private readonly notifications: NotificationPublisher,
  ) {}

  async execute({ now }: ExpireBookings): Promise<void> {
    const unanswered = new Date(now.getTime() - DAY_MS);
    // One after the other, each by its own index: asked for together, all that wait for an answer would be read.
    for (const late of [Prisma.sql`created_at <= ${unanswered}`, Prisma.sql`starts_at <= ${now}`])
      for (let expired = BATCH; expired === BATCH;) {
        const { ids, revised } = await this.expireSome(late, now);
        await this.bookings.announceAll(ids);
        await this.notifications.publish(revised);
        expired = ids.length;
      }
  }

  private expireSome(late: Prisma.Sql, now: Date): Promise<{ ids: string[]; revised: Revised[] }> {
    return this.prisma.$transaction(async (tx) => {
      // Two workers at once take different ones.
      const rows = await tx.$queryRaw<{ id: string }[]>`
        UPDATE bookings SET status = 'expired', updated_at = ${now} WHERE id IN (
          SELECT id FROM bookings WHERE status = 'requested' AND ${late}
          LIMIT ${BATCH} FOR UPDATE SKIP LOCKED
        ) RETURNING id`;
      const ids = rows.map(({ id }) => id);
      const expired = await tx.booking.findMany({
        where: { id: { in: ids } },
        ...WITH_TIMEZONE,
      });
      await enqueueNotifications(
        tx,
        expired.map((row) => ({
          recipientIds: [row.clientId],
          cause: {
            type: 'booking_cancelled',
            key: `booking_cancelled:${row.id}`,
            actorId: null,
            data: {
              ...factsOf(row, timezoneOf(row)),
              outcome: 'expired',
              reason: null,
            },
          },
        })),
      );
      return { ids, revised: await reviseBookings(tx, ids) };
    });
  }
}
