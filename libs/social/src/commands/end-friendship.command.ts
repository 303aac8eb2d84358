import { AppError, friendsRoom } from '#contracts';
import { lockPair } from '#identity';
import { PrismaService, RealtimeEmitter } from '#platform';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';

/** Ends a friendship, for both. @throws AppError NOT_FOUND when there is none */
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
    private readonly prisma: PrismaService,
    private readonly emitter: RealtimeEmitter,
  ) {}

  async execute({ userId, friendId }: EndFriendship): Promise<void> {
    await this.prisma.$transaction(async (tx) => {
      // Both rows of a friendship come and go under the pair's lock, never in a circle.
      await lockPair(tx, userId, friendId);
      const { count } = await tx.friend.deleteMany({
        where: {
          OR: [
            { userId, friendId },
            { userId: friendId, friendId: userId },
          ],
        },
      });
      if (count === 0) throw new AppError('NOT_FOUND', 'You are no friends');
    });
    this.emitter.moved(friendsRoom(friendId), userId);
    this.emitter.moved(friendsRoom(userId), friendId);
  }
}
