import { PrismaService } from '#platform';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';

const KEPT_MS = 30 * 24 * 3600 * 1000;
/** Few enough to stay far below a statement's time limit. */
const BATCH = 1000;

/** Deletes sessions that expired or were revoked more than 30 days ago; answers how many. */
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
