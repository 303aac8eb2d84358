import { AppError, type FriendRequestDto } from '#contracts';
import { lockPair, requirePresent } from '#identity';
import { tell } from '#notifications';
import { PrismaService, newId, type Prisma } from '#platform';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { FRIEND_REQUESTS, toFriendRequest, type FriendRequestRow } from '../friend-requests.js';
import { requireInSight } from '../people.js';

/**
 * Asks somebody to be friends. After a refusal one may ask again, but only who accepted before is told again:
 * otherwise asking could be made a nuisance.
 * @throws AppError INVALID_DATA (oneself), NOT_FOUND, CONFLICT (friends already, or one of the two has asked)
 */
export class RequestFriendship extends Command<FriendRequestDto> {
  constructor(
    readonly fromId: string,
    readonly toId: string,
  ) {
    super();
  }
}

@CommandHandler(RequestFriendship)
export class RequestFriendshipHandler implements ICommandHandler<RequestFriendship> {
  constructor(private readonly prisma: PrismaService) {}

  async execute({ fromId, toId }: RequestFriendship): Promise<FriendRequestDto> {
    if (fromId === toId) throw AppError.invalid('user_id', 'is your own');
    return this.prisma.$transaction(async (tx) => {
      await lockPair(tx, fromId, toId);
      await requirePresent(tx, [fromId, toId]);
      await requireInSight(tx, fromId, toId);
      await assertMayAsk(tx, fromId, toId);
      const id = newId();
      await tx.friendRequest.create({ data: { id, fromId, toId } });
      const accepted = await tx.friendRequest.count({ where: { fromId, toId, status: 'accepted' } });
      await tell(tx, [toId], {
        type: 'friend_request',
        key: `friend_request:${fromId}:${toId}:${accepted}`,
        actorId: fromId,
        data: { request_id: id, user_id: fromId },
      });
      const [row] = await tx.$queryRaw<FriendRequestRow[]>`${FRIEND_REQUESTS} WHERE r.id = ${id}::uuid`;
      return toFriendRequest(row!);
    });
  }
}

/** Under the pair's lock nothing of this changes; an index forbids two open requests besides. */
async function assertMayAsk(tx: Prisma.TransactionClient, fromId: string, toId: string): Promise<void> {
  if (await tx.friend.findUnique({ where: { userId_friendId: { userId: fromId, friendId: toId } } }))
    throw new AppError('CONFLICT', 'You are friends already');
  const open = await tx.friendRequest.findFirst({
    where: {
      status: 'pending',
      OR: [
        { fromId, toId },
        { fromId: toId, toId: fromId },
      ],
    },
  });
  if (open?.fromId === fromId) throw new AppError('CONFLICT', 'You have asked already');
  if (open) throw new AppError('CONFLICT', 'They have asked you: accept that');
}
