import { enqueueNotifications } from '#notifications';
import { PrismaService } from '#platform';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { Bookings, WITH_TIMEZONE, factsOf, timezoneOf } from '../bookings.js';

const BATCH = 100;
/**
 * Hours before the start. The shorter one comes first, so that a client who missed the other is not reminded twice at
 * once.
 */
const REMINDERS = [2, 24] as const;

/**
 * Reminds both parties 24 and 2 hours before a confirmed booking. The notification is stored in the transaction that
 * records the reminder. Connected devices receive `booking:updated` with `reminder`.
 */
export class RemindBookings extends Command<void> {
  constructor(readonly now = new Date()) {
    super();
  }
}

@CommandHandler(RemindBookings)
export class RemindBookingsHandler implements ICommandHandler<RemindBookings> {
  constructor(
    private readonly prisma: PrismaService,
    private readonly bookings: Bookings,
  ) {}

  async execute({ now }: RemindBookings): Promise<void> {
    for (const hours of REMINDERS)
      for (let reminded = BATCH; reminded === BATCH;) {
        const ids = await this.remindSome(hours, now);
        await this.bookings.announceAll(ids, { reminder: `${hours}h` });
        reminded = ids.length;
      }
  }

  private remindSome(hours: (typeof REMINDERS)[number], now: Date): Promise<string[]> {
    return this.prisma.$transaction(async (tx) => {
      const marked = await tx.$queryRaw<{ id: string }[]>`
        UPDATE bookings SET reminded_at = ${hours} WHERE id IN (
          SELECT id FROM bookings b WHERE status = 'confirmed' AND starts_at > ${now}
            AND starts_at <= ${new Date(now.getTime() + hours * 3600_000)}
            AND (reminded_at IS NULL OR reminded_at > ${hours})
            AND NOT EXISTS (SELECT FROM users WHERE id IN (b.master_id, b.client_id) AND banned_at IS NOT NULL)
          ORDER BY starts_at LIMIT ${BATCH} FOR UPDATE OF b SKIP LOCKED
        ) RETURNING id`;
      const ids = marked.map(({ id }) => id);
      const rows = await tx.booking.findMany({ where: { id: { in: ids } }, ...WITH_TIMEZONE });
      await enqueueNotifications(
        tx,
        rows.map((row) => ({
          recipientIds: [row.masterId, row.clientId],
          cause: {
            type: 'booking_confirmed',
            key: `booking_reminder:${row.id}:${hours}h`,
            actorId: null,
            data: { ...factsOf(row, timezoneOf(row)), outcome: 'reminder', reminder: `${hours}h` },
          },
        })),
      );
      return ids;
    });
  }
}
