import { PrismaService } from '#platform';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';

const KEPT_MS = 30 * 24 * 3600 * 1000;
/** Small enough to stay far below the statement timeout. */
const BATCH = 1000;

/** Deletes sessions that expired or were revoked more than 30 days ago. Answers their number. */
export class PurgeSessions extends Command<number> {}

@CommandHandler(PurgeSessions)
export class PurgeSessionsHandler implements ICommandHandler<PurgeSessions> {
  constructor(private readonly prisma: PrismaService) {}

  async execute(): Promise<number> {
    const before = new Date(Date.now() - KEPT_MS);
    for (let total = 0; ;) {
      // Skipping locked rows lets two workers share the work instead of waiting for each other.
      const deleted = await this.prisma.$executeRaw`
        DELETE FROM sessions WHERE id IN (
          SELECT id FROM sessions WHERE expires_at < ${before} OR revoked_at < ${before}
          LIMIT ${BATCH} FOR UPDATE SKIP LOCKED
        )`;
      total += deleted;
      if (deleted < BATCH) return total;
    }
  }
}
