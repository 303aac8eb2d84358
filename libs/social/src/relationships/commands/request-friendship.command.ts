import { AppError, type FriendRequestDto } from '#contracts';
import { Pairs, Reach, inEitherOrder, requirePresent } from '#identity';
import { enqueueNotification } from '#notifications';
import { REACH, newId, type Prisma } from '#platform';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import {
  FRIEND_REQUESTS,
  SILENT_MS,
  askingKey,
  toFriendRequest,
  type FriendRequestRow,
} from '../friend-requests.js';
import { requireVisible } from '../../visibility.js';

/** The minimum time between a refusal and the next request. */
const PAUSE_MS = 30 * 24 * 3600_000;

/**
 * Sends a friend request. A request repeated within 24 hours of a withdrawal shares the notification of the first:
 * otherwise requests could be used to harass.
 * @throws AppError INVALID_DATA (for oneself), NOT_FOUND, CONFLICT (when they are friends, a request is open, it was
 *   declined within 30 days, or too many are open), RATE_LIMIT (per day)
 */
export class RequestFriendship extends Command<FriendRequestDto> {
  constructor(
    readonly fromId: string,
    readonly toId: string,
    readonly now = new Date(),
  ) {
    super();
  }
}

@CommandHandler(RequestFriendship)
export class RequestFriendshipHandler implements ICommandHandler<RequestFriendship> {
  constructor(
    private readonly pairs: Pairs,
    private readonly reach: Reach,
  ) {}

  async execute({ fromId, toId, now }: RequestFriendship): Promise<FriendRequestDto> {
    if (fromId === toId) throw AppError.invalid('user_id', 'must not be your own');
    await this.reach.take('friendRequest', fromId);
    return this.pairs.change(fromId, toId, async (tx) => {
      await requirePresent(tx, [fromId, toId]);
      await requireVisible(tx, fromId, toId);
      await assertMayAsk(tx, fromId, toId);
      const earlier = await tx.friendRequest.findFirst({
        where: {
          fromId,
          toId,
          status: { not: 'pending' },
          OR: [
            { status: { not: 'withdrawn' } },
            { answeredAt: null },
            { answeredAt: { lte: new Date(now.getTime() - SILENT_MS) } },
          ],
        },
        orderBy: { id: 'desc' },
      });
      if (earlier?.status === 'declined' && earlier.answeredAt! > new Date(now.getTime() - PAUSE_MS))
        throw new AppError('CONFLICT', 'This user declined within the last 30 days', {
          reason: 'refused_recently',
        });
      await requireFewOpen(tx, fromId);
      const id = newId();
      await tx.friendRequest.create({ data: { id, fromId, toId } });
      await enqueueNotification(tx, [toId], {
        type: 'friend_request',
        key: askingKey(fromId, toId, earlier?.id),
        actorId: fromId,
        data: { request_id: id, user_id: fromId },
      });
      const [row] = await tx.$queryRaw<FriendRequestRow[]>`${FRIEND_REQUESTS} WHERE r.id = ${id}::uuid`;
      return toFriendRequest(row!);
    });
  }
}

/** Under the pair's lock this state cannot change; an index also forbids two open requests. */
async function assertMayAsk(tx: Prisma.TransactionClient, fromId: string, toId: string): Promise<void> {
  if (await tx.friend.findUnique({ where: { userId_friendId: { userId: fromId, friendId: toId } } }))
    throw new AppError('CONFLICT', 'You are already friends', { reason: 'already_friends' });
  const open = await tx.friendRequest.findFirst({
    where: { status: 'pending', ...inEitherOrder('fromId', 'toId', fromId, toId) },
  });
  if (open?.fromId === fromId)
    throw new AppError('CONFLICT', 'You have already sent a request', { reason: 'already_asked' });
  if (open) throw new AppError('CONFLICT', 'This user has already sent you a request');
}

/** Under the sender's lock: of two concurrent requests, the second counts the first. */
async function requireFewOpen(tx: Prisma.TransactionClient, fromId: string): Promise<void> {
  await tx.$queryRaw`SELECT FROM users WHERE id = ${fromId}::uuid FOR NO KEY UPDATE`;
  if ((await tx.friendRequest.count({ where: { fromId, status: 'pending' } })) >= REACH.waitingRequests.most)
    throw new AppError('CONFLICT', `Limit of ${REACH.waitingRequests.most} open requests reached`);
}
