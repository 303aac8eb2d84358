import { AppError } from '#contracts';
import { Pairs, requirePresent } from '#identity';
import { RateLimits, type Prisma } from '#platform';
import { EventPublisher, followersTopic, subscriptionVersion } from '#realtime';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { requireBelowLimit } from '../limits.js';
import { requireVisible } from '../../visibility.js';

/**
 * Follows or unfollows a user; repeating it changes nothing (`PUT|DELETE users/:id/follow`).
 * @throws AppError INVALID_DATA (for oneself), NOT_FOUND, RATE_LIMIT, CONFLICT (with 5,000 follows)
 */
export class FollowUser extends Command<void> {
  constructor(
    readonly followerId: string,
    readonly followeeId: string,
    readonly on: boolean,
  ) {
    super();
  }
}

@CommandHandler(FollowUser)
export class FollowUserHandler implements ICommandHandler<FollowUser> {
  constructor(
    private readonly pairs: Pairs,
    private readonly publisher: EventPublisher,
    private readonly limits: RateLimits,
  ) {}

  async execute({ followerId, followeeId, on }: FollowUser): Promise<void> {
    if (followerId === followeeId) throw AppError.invalid('id', 'must not be your own');
    await this.limits.take('tie', followerId);
    const topic = followersTopic(followeeId);
    const version = await this.publisher.changeSubscriptions((name) =>
      this.pairs.change(followerId, followeeId, async (tx) => {
        if (on) await follow(tx, followerId, followeeId);
        else await tx.follow.deleteMany({ where: { followerId, followeeId } });
        name({ topics: [topic], userIds: [followerId] });
        return subscriptionVersion(tx);
      }),
    );
    this.publisher.subscriptionsChanged(topic, [followerId], { ...version, member: on });
  }
}

async function follow(tx: Prisma.TransactionClient, followerId: string, followeeId: string): Promise<void> {
  await requirePresent(tx, [followerId, followeeId]);
  await requireVisible(tx, followerId, followeeId);
  const pair = { followerId, followeeId };
  if (await tx.follow.findUnique({ where: { followerId_followeeId: pair } })) return;
  await requireBelowLimit(tx, [followerId], (id) => tx.follow.count({ where: { followerId: id } }));
  await tx.follow.create({ data: pair });
}
