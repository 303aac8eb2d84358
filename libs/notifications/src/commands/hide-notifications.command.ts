import { PrismaService } from '#platform';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { NotificationPublisher } from '../delivery/notification-publisher.js';
import { hideAbout } from '../revisions/revise.js';

/**
 * Hides the remaining notifications about a deleted post. There may be too many for one transaction: an announcement
 * notifies all users.
 */
export class HideNotifications extends Command<void> {
  constructor(readonly postId: string) {
    super();
  }
}

@CommandHandler(HideNotifications)
export class HideNotificationsHandler implements ICommandHandler<HideNotifications> {
  constructor(
    private readonly prisma: PrismaService,
    private readonly publisher: NotificationPublisher,
  ) {}

  async execute({ postId }: HideNotifications): Promise<void> {
    for (let isRest = true; isRest;) {
      const part = await this.prisma.$transaction((tx) => hideAbout(tx, postId));
      await this.publisher.publish(part.hidden);
      isRest = part.isRest;
    }
  }
}
