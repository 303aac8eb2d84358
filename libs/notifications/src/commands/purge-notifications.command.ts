import { PrismaService } from '#platform';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';

const KEPT_MS = 90 * 24 * 3600 * 1000;
/** Small enough to stay far below the statement timeout. */
const BATCH = 1000;

/** Deletes notifications that were read more than 90 days ago. Answers their number. Their causes stay stored. */
export class PurgeNotifications extends Command<number> {}

@CommandHandler(PurgeNotifications)
export class PurgeNotificationsHandler implements ICommandHandler<PurgeNotifications> {
  constructor(private readonly prisma: PrismaService) {}

  async execute(): Promise<number> {
    const before = new Date(Date.now() - KEPT_MS);
    for (let total = 0; ;) {
      // Skipping locked rows lets two workers share the work instead of waiting for each other.
      const deleted = await this.prisma.$executeRaw`
        DELETE FROM notifications WHERE id IN (
          SELECT id FROM notifications WHERE read_at < ${before} LIMIT ${BATCH} FOR UPDATE SKIP LOCKED
        )`;
      total += deleted;
      if (deleted < BATCH) return total;
    }
  }
}
