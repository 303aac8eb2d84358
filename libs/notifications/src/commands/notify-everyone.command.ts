import type { NotificationCause } from '#contracts';
import { PrismaService, addJobs, inParts, type Prisma } from '#platform';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { locksOf } from '../revisions/valid-causes.js';
import { RECIPIENTS } from './notify.command.js';

/** Number of jobs created at once. */
const JOBS_AT_ONCE = 20;

/** Notifies all users. A repeated run creates the same jobs again, but nobody is notified twice. */
export class NotifyEveryone extends Command<void> {
  constructor(readonly cause: NotificationCause) {
    super();
  }
}

@CommandHandler(NotifyEveryone)
export class NotifyEveryoneHandler implements ICommandHandler<NotifyEveryone> {
  constructor(private readonly prisma: PrismaService) {}

  async execute({ cause }: NotifyEveryone): Promise<void> {
    const take = RECIPIENTS * JOBS_AT_ONCE;
    for (let after = '00000000-0000-0000-0000-000000000000'; ;) {
      const ids = await this.prisma.$transaction((tx) => this.enqueueNext(tx, cause, after, take));
      if (ids.length < take) return;
      after = ids.at(-1)!;
    }
  }

  /** Does nothing when the event was undone meanwhile. */
  private async enqueueNext(
    tx: Prisma.TransactionClient,
    cause: NotificationCause,
    after: string,
    take: number,
  ): Promise<string[]> {
    for (const lock of locksOf(cause, [])) if ((await tx.$queryRaw<object[]>(lock)).length === 0) return [];
    const users = await tx.user.findMany({
      where: { id: { gt: after } },
      orderBy: { id: 'asc' },
      take,
      select: { id: true },
    });
    const ids = users.map(({ id }) => id);
    const jobs = inParts(ids, RECIPIENTS).map((recipientIds) => ({ cause, recipientIds }));
    // Lowest priority: a like does not wait for an announcement.
    if (jobs.length > 0) await addJobs(tx, 'notify', jobs, 1);
    return ids;
  }
}
