import { AppError } from '#contracts';
import { Pairs } from '#identity';
import { NotificationPublisher } from '#notifications';
import { PrismaService } from '#platform';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { noSuchRequest, reviseFriendship, withdraw } from '../friend-requests.js';

/**
 * Withdraws one's own friend request, and its notification.
 * @throws AppError NOT_FOUND (also for another user's request), CONFLICT (when it is answered)
 */
export class WithdrawFriendRequest extends Command<void> {
  constructor(
    readonly userId: string,
    readonly requestId: string,
  ) {
    super();
  }
}

@CommandHandler(WithdrawFriendRequest)
export class WithdrawFriendRequestHandler implements ICommandHandler<WithdrawFriendRequest> {
  constructor(
    private readonly prisma: PrismaService,
    private readonly pairs: Pairs,
    private readonly notifications: NotificationPublisher,
  ) {}

  async execute({ userId, requestId: id }: WithdrawFriendRequest): Promise<void> {
    const asked = await this.prisma.friendRequest.findUnique({ where: { id, fromId: userId } });
    if (!asked) throw noSuchRequest();
    const revised = await this.pairs.change(userId, asked.toId, async (tx) => {
      const request = await tx.friendRequest.findUnique({ where: { id } });
      if (!request || request.status === 'withdrawn') throw noSuchRequest();
      if (request.status !== 'pending')
        throw new AppError('CONFLICT', `This request is already ${request.status}`, {
          reason: 'wrong_state',
        });
      await withdraw(tx, userId, asked.toId);
      return reviseFriendship(tx, userId, asked.toId);
    });
    await this.notifications.publish(revised);
  }
}
