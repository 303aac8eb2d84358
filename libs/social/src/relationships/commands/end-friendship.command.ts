import { AppError } from '#contracts';
import { Pairs, inEitherOrder } from '#identity';
import { NotificationPublisher } from '#notifications';
import { EventPublisher, friendsTopic, subscriptionVersion } from '#realtime';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { reviseFriendship } from '../friend-requests.js';

/** Ends a friendship for both users. @throws AppError NOT_FOUND (when there is none) */
export class EndFriendship extends Command<void> {
  constructor(
    readonly userId: string,
    readonly friendId: string,
  ) {
    super();
  }
}

@CommandHandler(EndFriendship)
export class EndFriendshipHandler implements ICommandHandler<EndFriendship> {
  constructor(
    private readonly pairs: Pairs,
    private readonly publisher: EventPublisher,
    private readonly notifications: NotificationPublisher,
  ) {}

  async execute({ userId, friendId }: EndFriendship): Promise<void> {
    const ends = { topics: [friendsTopic(userId), friendsTopic(friendId)], userIds: [userId, friendId] };
    const end = (name: (changed: typeof ends) => void) =>
      this.pairs.change(userId, friendId, async (tx) => {
        const where = inEitherOrder('userId', 'friendId', userId, friendId);
        const { count } = await tx.friend.deleteMany({ where });
        if (count === 0) throw new AppError('NOT_FOUND', 'Not friends');
        name(ends);
        return {
          revised: await reviseFriendship(tx, userId, friendId),
          version: await subscriptionVersion(tx),
        };
      });
    const { revised, version } = await this.publisher.changeSubscriptions(end);
    const change = { ...version, member: false };
    this.publisher.subscriptionsChanged(friendsTopic(friendId), [userId], change);
    this.publisher.subscriptionsChanged(friendsTopic(userId), [friendId], change);
    await this.notifications.publish(revised);
  }
}
