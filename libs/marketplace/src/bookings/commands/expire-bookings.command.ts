import { DAY_MS } from '#contracts';
import { NotificationPublisher, enqueueNotifications, type Revised } from '#notifications';
import { Prisma, PrismaService } from '#platform';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { Bookings, WITH_TIMEZONE, factsOf, reviseBookings, timezoneOf } from '../bookings.js';

const BATCH = 100;

/** Expires requests without an answer after 24 hours, or at their start, and notifies the client. */
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
    // Two statements, each with its own index: one statement for both would read all open requests.
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
      // Two concurrent workers take different rows.
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
