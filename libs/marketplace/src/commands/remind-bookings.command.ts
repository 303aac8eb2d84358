import { PrismaService } from '#platform';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { Bookings } from '../bookings.js';

const BATCH = 100;
/** Hours before the start; the nearer one first, so that who missed the other is not reminded twice at once. */
const REMINDERS = [2, 24] as const;

/** Reminds both sides of a confirmed booking, 24 and 2 hours before it: `booking:updated` with `reminder`. */
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
        const rows = await this.prisma.$queryRaw<{ id: string }[]>`
          UPDATE bookings SET reminded_at = ${hours} WHERE id IN (
            SELECT id FROM bookings WHERE status = 'confirmed' AND starts_at > ${now}
              AND starts_at <= ${new Date(now.getTime() + hours * 3600_000)}
              AND (reminded_at IS NULL OR reminded_at > ${hours})
            ORDER BY starts_at LIMIT ${BATCH} FOR UPDATE SKIP LOCKED
          ) RETURNING id`;
        await this.bookings.announceAll(
          rows.map(({ id }) => id),
          { reminder: `${hours}h` },
        );
        reminded = rows.length;
      }
  }
}
