import { PrismaService } from '#platform';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { Bookings } from '../bookings.js';

/** After its end. Until then the master may say that the client did not come. */
const COMPLETED_AFTER_MS = 24 * 3600_000;
const BATCH = 100;

/** Completes confirmed visits 24 hours after their end, so that a review never depends on the reviewed master. */
export class CompleteBookings extends Command<void> {
  constructor(readonly now = new Date()) {
    super();
  }
}

@CommandHandler(CompleteBookings)
export class CompleteBookingsHandler implements ICommandHandler<CompleteBookings> {
  constructor(
    private readonly prisma: PrismaService,
    private readonly bookings: Bookings,
  ) {}

  async execute({ now }: CompleteBookings): Promise<void> {
    const ended = new Date(now.getTime() - COMPLETED_AFTER_MS);
    for (let completed = BATCH; completed === BATCH;) {
      // The start repeats less than the end says, and has the index.
      const rows = await this.prisma.$queryRaw<{ id: string }[]>`
        UPDATE bookings SET status = 'completed', updated_at = ${now} WHERE id IN (
          SELECT id FROM bookings WHERE status = 'confirmed' AND starts_at <= ${ended} AND ends_at <= ${ended}
          ORDER BY starts_at LIMIT ${BATCH} FOR UPDATE SKIP LOCKED
        ) RETURNING id`;
      await this.bookings.announceAll(rows.map(({ id }) => id));
      completed = rows.length;
    }
  }
}
