import { PrismaService, addJob } from '#platform';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';

/** Counted from the end of the visit. Until then, the master may report a no-show. */
const COMPLETED_AFTER_MS = 24 * 3600_000;
const BATCH = 100;

/** Completes confirmed visits 24 hours after their end, so that a review never depends on the master. */
export class CompleteBookings extends Command<void> {
  constructor(readonly now = new Date()) {
    super();
  }
}

@CommandHandler(CompleteBookings)
export class CompleteBookingsHandler implements ICommandHandler<CompleteBookings> {
  constructor(private readonly prisma: PrismaService) {}

  async execute({ now }: CompleteBookings): Promise<void> {
    const ended = new Date(now.getTime() - COMPLETED_AFTER_MS);
    while ((await this.completeSome(ended, now)) === BATCH);
  }

  private completeSome(ended: Date, now: Date): Promise<number> {
    return this.prisma.$transaction(async (tx) => {
      // The condition on the start follows from the one on the end, but has the index.
      const rows = await tx.$queryRaw<{ id: string }[]>`
        UPDATE bookings SET status = 'completed', updated_at = ${now} WHERE id IN (
          SELECT id FROM bookings WHERE status = 'confirmed' AND starts_at <= ${ended} AND ends_at <= ${ended}
          ORDER BY starts_at LIMIT ${BATCH} FOR UPDATE SKIP LOCKED
        ) RETURNING id`;
      if (rows.length > 0) await addJob(tx, 'show-bookings', { bookingIds: rows.map(({ id }) => id) });
      return rows.length;
    });
  }
}
