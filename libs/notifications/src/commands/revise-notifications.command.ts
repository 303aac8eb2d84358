import { PrismaService } from '#platform';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { NotificationPublisher } from '../delivery/notification-publisher.js';
import { causes, revise } from '../revisions/revise.js';

/**
 * Makes notifications consistent with the causes of these keys, after the commit of their change. Repeating it changes
 * nothing. `jobId`: the job that the change promised, which need not run any more.
 */
export class ReviseNotifications extends Command<void> {
  constructor(
    readonly keys: string[],
    readonly jobId?: string,
  ) {
    super();
  }
}

@CommandHandler(ReviseNotifications)
export class ReviseNotificationsHandler implements ICommandHandler<ReviseNotifications> {
  constructor(
    private readonly prisma: PrismaService,
    private readonly publisher: NotificationPublisher,
  ) {}

  async execute({ keys, jobId }: ReviseNotifications): Promise<void> {
    const revised = await this.prisma.$transaction(async (tx) => {
      if (jobId) await tx.outboxJob.deleteMany({ where: { id: jobId } });
      return revise(tx, causes.named(keys));
    });
    await this.publisher.publish(revised);
  }
}
