import { AppError, type FriendRequestDto } from '#contracts';
import { Pairs, requirePresent } from '#identity';
import { NotificationPublisher, enqueueNotification } from '#notifications';
import { PrismaService } from '#platform';
import { EventPublisher, friendsTopic, subscriptionVersion } from '#realtime';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import {
  FRIEND_REQUESTS,
  noSuchRequest,
  reviseFriendship,
  toFriendRequest,
  type FriendRequestRow,
} from '../friend-requests.js';
import { requireBelowLimit } from '../limits.js';

/**
 * Answers a friend request, once, as its recipient. The sender is notified of an acceptance. Only the latest refusal is
 * stored.
 * @throws AppError NOT_FOUND (also for a request to another user, or from a banned one), CONFLICT (when it is answered,
 *   or one of the two has 5,000 friends)
 */
export class AnswerFriendRequest extends Command<FriendRequestDto> {
  constructor(
    readonly userId: string,
    readonly requestId: string,
    readonly answer: 'accepted' | 'declined',
  ) {
    super();
  }
}

@CommandHandler(AnswerFriendRequest)
export class AnswerFriendRequestHandler implements ICommandHandler<AnswerFriendRequest> {
  constructor(
    private readonly prisma: PrismaService,
    private readonly pairs: Pairs,
    private readonly publisher: EventPublisher,
    private readonly notifications: NotificationPublisher,
  ) {}

  async execute({ userId, requestId: id, answer }: AnswerFriendRequest): Promise<FriendRequestDto> {
    const asked = await this.prisma.friendRequest.findUnique({ where: { id, toId: userId } });
    if (!asked) throw noSuchRequest();
    const { fromId } = asked;
    const { request, revised, version } = await this.publisher.changeSubscriptions((name) =>
      this.pairs.change(userId, fromId, async (tx) => {
        await requirePresent(tx, [userId, fromId]).catch((error: unknown) => {
          throw error instanceof AppError ? noSuchRequest() : error;
        });
        const { count } = await tx.friendRequest.updateMany({
          where: { id, status: 'pending' },
          data: { status: answer, answeredAt: new Date() },
        });
        const [row] = await tx.$queryRaw<FriendRequestRow[]>`
        ${FRIEND_REQUESTS} WHERE r.id = ${id}::uuid AND r.status <> 'withdrawn'`;
        if (!row) throw noSuchRequest();
        if (count === 0)
          throw new AppError('CONFLICT', `This request is already ${row.status}`, { reason: 'wrong_state' });
        if (answer === 'accepted') {
          await requireBelowLimit(tx, [userId, fromId], (of) => tx.friend.count({ where: { userId: of } }));
          await tx.friend.createMany({
            data: [
              { userId, friendId: fromId },
              { userId: fromId, friendId: userId },
            ],
          });
          await enqueueNotification(tx, [fromId], {
            type: 'friend_accepted',
            key: `friend_accepted:${id}`,
            actorId: userId,
            data: { request_id: id, user_id: userId },
          });
        }
        const revised = await reviseFriendship(tx, userId, fromId);
        // The key of the notification names the previous refusal.
        if (answer === 'declined')
          await tx.friendRequest.deleteMany({
            where: { fromId, toId: userId, status: 'declined', id: { not: id } },
          });
        name({ topics: [friendsTopic(userId), friendsTopic(fromId)], userIds: [userId, fromId] });
        return { request: toFriendRequest(row), revised, version: await subscriptionVersion(tx) };
      }),
    );
    if (answer === 'accepted') {
      const change = { ...version, member: true };
      this.publisher.subscriptionsChanged(friendsTopic(fromId), [userId], change);
      this.publisher.subscriptionsChanged(friendsTopic(userId), [fromId], change);
    }
    await this.notifications.publish(revised);
    return request;
  }
}
