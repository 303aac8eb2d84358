import { AppError, type NotificationData } from '#contracts';
import { Blocks, inEitherOrder, lockBookings, pairKey, Pairs, requirePresent } from '#identity';
import {
  NotificationPublisher,
  lockAudience,
  reviseBetween,
  enqueueNotifications,
  type Revised,
} from '#notifications';
import { HEAD_START_MS, PrismaService, RateLimits, addJob, type Prisma } from '#platform';
import { EventPublisher, blockedTopic, followersTopic, friendsTopic, subscriptionVersion } from '#realtime';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { withdraw } from '../friend-requests.js';
import { requireBelowLimit } from '../limits.js';

/**
 * Blocks a user: follows, friendship, friend requests and booking requests between the two end, and their chat is
 * closed. Confirmed bookings stay. Unblocking opens the chat, unless the other user blocks too, and restores
 * notifications of things that still exist. It restores nothing else (`PUT|DELETE users/:id/block`).
 * @throws AppError INVALID_DATA (for oneself), NOT_FOUND, RATE_LIMIT, CONFLICT (with 5,000 blocks)
 */
export class BlockUser extends Command<void> {
  constructor(
    readonly blockerId: string,
    readonly blockedId: string,
    readonly on: boolean,
  ) {
    super();
  }
}

@CommandHandler(BlockUser)
export class BlockUserHandler implements ICommandHandler<BlockUser> {
  constructor(
    private readonly prisma: PrismaService,
    private readonly pairs: Pairs,
    private readonly blocks: Blocks,
    private readonly publisher: EventPublisher,
    private readonly notifications: NotificationPublisher,
    private readonly limits: RateLimits,
  ) {}

  async execute({ blockerId, blockedId, on }: BlockUser): Promise<void> {
    if (blockerId === blockedId) throw AppError.invalid('id', 'must not be your own');
    await this.limits.take('tie', blockerId);
    await this.limits.take('blockOfOne', `${blockerId}:${blockedId}`);
    const userIds = [blockerId, blockedId];
    const { between, jobId, version } = await this.publisher.changeSubscriptions((name) =>
      this.pairs.change(blockerId, blockedId, async (tx) => {
        // Before anything is undone here: a concurrent notification is stored by then, and is found below.
        await lockAudience(tx, [blockerId, blockedId], 'alone');
        if (on) await block(tx, blockerId, blockedId);
        else await tx.block.deleteMany({ where: { blockerId, blockedId } });
        const blocked = on || (await this.blocks.areBetween(blockerId, blockedId, tx));
        await setChatBlocked(tx, pairKey(blockerId, blockedId), blocked);
        if (on) await cancelRequests(tx, blockerId, blockedId);
        name({ topics: userIds.map(blockedTopic), userIds });
        const job = { userId: blockerId, otherId: blockedId };
        return {
          between: blocked,
          jobId: await addJob(tx, 'reconcile-block', job, HEAD_START_MS),
          version: await subscriptionVersion(tx),
        };
      }),
    );
    for (const [user, other] of [
      [blockerId, blockedId],
      [blockedId, blockerId],
    ] as const) {
      this.publisher.subscriptionsChanged(blockedTopic(other), [user], { ...version, member: between });
      if (!between) continue;
      this.publisher.subscriptionsChanged(followersTopic(other), [user], { ...version, member: false });
      this.publisher.subscriptionsChanged(friendsTopic(other), [user], { ...version, member: false });
    }
    // After the change of memberships: later typing does not cross the block.
    if (between) this.publisher.signal('typingEnds', { userIds: [blockerId, blockedId] });
    await this.notifications.publish(await this.revise(blockerId, blockedId, jobId));
  }

  /**
   * Runs in a transaction of its own, since it takes long: sends to the chat and booking requests do not wait for it. The
   * job does it if this fails.
   */
  private revise(blockerId: string, blockedId: string, jobId: string): Promise<Revised[]> {
    return this.prisma.$transaction(async (tx) => {
      await tx.outboxJob.deleteMany({ where: { id: jobId } });
      return reviseBetween(tx, blockerId, blockedId);
    });
  }
}

async function block(tx: Prisma.TransactionClient, blockerId: string, blockedId: string): Promise<void> {
  const pair = { blockerId, blockedId };
  if (await tx.block.findUnique({ where: { blockerId_blockedId: pair } })) return;
  await requirePresent(tx, [blockerId, blockedId]);
  await requireBelowLimit(tx, [blockerId], (id) => tx.block.count({ where: { blockerId: id } }));
  await tx.block.create({ data: { ...pair, ...(await namesOf(tx, blockerId, blockedId)) } });
  await tx.follow.deleteMany({ where: inEitherOrder('followerId', 'followeeId', blockerId, blockedId) });
  await tx.friend.deleteMany({ where: inEitherOrder('userId', 'friendId', blockerId, blockedId) });
  await withdraw(tx, blockerId, blockedId);
  // The blocked user did not withdraw it: a request after the block is notified again.
  await tx.friendRequest.updateMany({
    where: { fromId: blockedId, toId: blockerId, status: 'pending' },
    data: { status: 'withdrawn' },
  });
}

/** The names that both users have seen of each other until now. */
async function namesOf(tx: Prisma.TransactionClient, blockerId: string, blockedId: string) {
  const other = await tx.block.findUnique({
    where: { blockerId_blockedId: { blockerId: blockedId, blockedId: blockerId } },
  });
  if (other)
    return {
      blockerName: other.blockedName,
      blockerHandle: other.blockedHandle,
      blockedName: other.blockerName,
      blockedHandle: other.blockerHandle,
    };
  const select = { name: true, handle: true };
  const blocker = await tx.user.findUniqueOrThrow({ where: { id: blockerId }, select });
  const blocked = await tx.user.findUniqueOrThrow({ where: { id: blockedId }, select });
  return {
    blockerName: blocker.name,
    blockerHandle: blocker.handle,
    blockedName: blocked.name,
    blockedHandle: blocked.handle,
  };
}

/**
 * Closes the chat of the two, or opens it. While it is closed, each sees the other's read cursors as of the block. When
 * it opens, both cursors take new change numbers, so that devices receive them.
 */
async function setChatBlocked(
  tx: Prisma.TransactionClient,
  directKey: string,
  blocked: boolean,
): Promise<void> {
  const [chat] = await tx.$queryRaw<{ id: string; change_seq: number }[]>`
    UPDATE chats SET blocked = ${blocked},
      change_seq = CASE WHEN ${blocked} THEN change_seq ELSE change_seq + 2 END,
      changed_xid = CASE WHEN ${blocked} THEN changed_xid ELSE pg_current_xact_id() END
    WHERE direct_key = ${directKey} AND blocked <> ${blocked} RETURNING id, change_seq`;
  if (!chat) return;
  if (blocked) {
    await tx.$executeRaw`
      UPDATE chat_members SET frozen_read_seq = last_read_seq, frozen_delivered_seq = last_delivered_seq
      WHERE chat_id = ${chat.id}::uuid`;
    return;
  }
  await tx.$executeRaw`
      UPDATE chat_members m SET frozen_read_seq = NULL, frozen_delivered_seq = NULL,
        change_seq = ${chat.change_seq} - n.place
      FROM (SELECT user_id, row_number() OVER (ORDER BY user_id)::int - 1 AS place FROM chat_members
            WHERE chat_id = ${chat.id}::uuid) n
      WHERE m.chat_id = ${chat.id}::uuid AND m.user_id = n.user_id`;
}

/**
 * Cancels booking requests. The other party is notified, without the actor and the reason. A concurrent request that
 * waits for the lock finds the block; one that had the lock earlier is found here.
 */
async function cancelRequests(tx: Prisma.TransactionClient, a: string, b: string): Promise<void> {
  await lockBookings(tx, [[a, b]]);
  const cancelled = await tx.$queryRaw<(NotificationData['booking_cancelled'] & { starts_at: Date })[]>`
    UPDATE bookings b SET status = 'cancelled', updated_at = now()
    WHERE status = 'requested' AND (client_id, master_id) IN ((${a}::uuid, ${b}::uuid), (${b}::uuid, ${a}::uuid))
    RETURNING b.id AS booking_id, b.service_id, b.service_name, b.master_id, b.client_id, b.starts_at,
      COALESCE((SELECT timezone FROM availabilities WHERE master_id = b.master_id), 'UTC') AS timezone`;
  if (cancelled.length === 0) return;
  await addJob(tx, 'show-bookings', { bookingIds: cancelled.map(({ booking_id }) => booking_id) });
  await enqueueNotifications(
    tx,
    cancelled.map((facts) => ({
      recipientIds: [b],
      cause: {
        type: 'booking_cancelled',
        key: `booking_cancelled:${facts.booking_id}`,
        actorId: null,
        data: { ...facts, starts_at: facts.starts_at.toISOString(), outcome: 'cancelled', reason: null },
      },
    })),
  );
}
