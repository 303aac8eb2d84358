import type { NotificationCause } from '#contracts';
import { PrismaService, addJobs } from '#platform';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { RECIPIENTS, inParts } from '../notifier.js';

/** So many jobs are made at once. */
const JOBS_AT_ONCE = 20;

/** Tells all users of something that happened. Done again it promises the same again, which nobody is told twice. */
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
      const users = await this.prisma.user.findMany({
        where: { id: { gt: after } },
        orderBy: { id: 'asc' },
        take,
        select: { id: true },
      });
      const ids = users.map(({ id }) => id);
      const jobs = inParts(ids).map((recipientIds) => ({ cause, recipientIds }));
      // Behind everything else: a like does not wait for an announcement.
      if (jobs.length > 0) await addJobs(this.prisma, 'notify', jobs, 1);
      if (ids.length < take) return;
      after = ids.at(-1)!;
    }
  }
}
