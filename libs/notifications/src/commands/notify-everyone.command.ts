import type { Jobs, NotificationCause } from '#contracts';
import { PrismaService, Queues, type NewJob } from '#platform';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { RECIPIENTS, inParts } from '../notifier.js';

/** So many jobs are made at once. */
const JOBS_AT_ONCE = 20;

/** Tells all users of something that happened. `jobId` names the run: done again, it makes the same jobs. */
export class NotifyEveryone extends Command<void> {
  constructor(
    readonly cause: NotificationCause,
    readonly jobId: string,
  ) {
    super();
  }
}

@CommandHandler(NotifyEveryone)
export class NotifyEveryoneHandler implements ICommandHandler<NotifyEveryone> {
  constructor(
    private readonly prisma: PrismaService,
    private readonly queues: Queues,
  ) {}

  async execute({ cause, jobId }: NotifyEveryone): Promise<void> {
    const take = RECIPIENTS * JOBS_AT_ONCE;
    for (let after = '00000000-0000-0000-0000-000000000000'; ;) {
      const users = await this.prisma.user.findMany({
        where: { id: { gt: after } },
        orderBy: { id: 'asc' },
        take,
        select: { id: true },
      });
      const ids = users.map(({ id }) => id);
      if (ids.length > 0) await this.queues.add(inParts(ids).map((part) => jobFor(cause, jobId, part)));
      if (ids.length < take) return;
      after = ids.at(-1)!;
    }
  }
}

/** Named by its ends: if users came or went since an earlier run, no part takes the name of one with others in it. */
function jobFor(cause: NotificationCause, jobId: string, recipientIds: string[]): NewJob {
  const data: Jobs['notify'] = { cause, recipientIds };
  // The random ends of two ids: a name of 62 characters, as fits into a path.
  const id = [jobId, ...[recipientIds[0]!, recipientIds.at(-1)!].map((end) => end.slice(-12))].join('-');
  // Behind everything else: a like does not wait for an announcement.
  return { id, name: 'notify', data, priority: 1 };
}
