import { PrismaService } from '#platform';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { NotificationPublisher } from '../notification-publisher.js';
import { hideAbout } from '../revise.js';

/** Hides what tells of a deleted post and was too much for its deletion: an announcement has told everybody. */
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
