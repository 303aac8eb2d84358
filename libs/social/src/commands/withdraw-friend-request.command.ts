import { AppError } from '#contracts';
import { lockPair } from '#identity';
import { NotificationNews } from '#notifications';
import { PrismaService } from '#platform';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { noSuchRequest, reviseFriendship } from '../friend-requests.js';

/**
 * Takes back one's own request, and its notification.
 * @throws AppError NOT_FOUND, also for somebody else's request; CONFLICT when it is answered
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
    private readonly news: NotificationNews,
  ) {}

  async execute({ userId, requestId: id }: WithdrawFriendRequest): Promise<void> {
    const asked = await this.prisma.friendRequest.findUnique({ where: { id, fromId: userId } });
    if (!asked) throw noSuchRequest();
    const revised = await this.prisma.$transaction(async (tx) => {
      await lockPair(tx, userId, asked.toId);
      const { count } = await tx.friendRequest.deleteMany({ where: { id, status: 'pending' } });
      if (count === 0) {
        const answered = await tx.friendRequest.findUnique({ where: { id } });
        throw answered
          ? new AppError('CONFLICT', `This request is ${answered.status} already`, { reason: 'wrong_state' })
          : noSuchRequest();
      }
      return reviseFriendship(tx, userId, asked.toId);
    });
    await this.news.tell(revised);
  }
}
