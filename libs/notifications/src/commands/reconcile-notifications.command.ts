import { Prisma, PrismaService } from '#platform';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { NotificationPublisher } from '../delivery/notification-publisher.js';
import { lockAudience, revisePlaces, type Place } from '../revisions/revise.js';

const BATCH = 500;

/**
 * Makes the notifications about a user consistent with current bans and blocks. Repeating it changes nothing. With
 * `otherId`: only the notifications between the two users.
 */
export class ReconcileNotifications extends Command<void> {
  constructor(
    readonly userId: string,
    readonly otherId?: string,
  ) {
    super();
  }
}

@CommandHandler(ReconcileNotifications)
export class ReconcileNotificationsHandler implements ICommandHandler<ReconcileNotifications> {
  constructor(
    private readonly prisma: PrismaService,
    private readonly publisher: NotificationPublisher,
  ) {}

  async execute({ userId, otherId }: ReconcileNotifications): Promise<void> {
    await this.reconcile(userId, otherId);
    if (otherId) await this.reconcile(otherId, userId);
  }

  private async reconcile(userId: string, notificationId?: string): Promise<void> {
    for (const column of ['actor_id', 'owner_id'])
      for (let after: Place | undefined, isMore = true; isMore;) {
        const { revised, places } = await this.prisma.$transaction((tx) =>
          this.reviseNext(tx, userId, notificationId, column, after),
        );
        await this.publisher.publish(revised);
        after = places.at(-1);
        isMore = places.length === BATCH;
      }
  }

  private async reviseNext(
    tx: Prisma.TransactionClient,
    userId: string,
    notificationId: string | undefined,
    column: string,
    after?: Place,
  ) {
    // A concurrent notification that has not seen the ban or block is stored by then.
    await lockAudience(tx, notificationId ? [userId, notificationId] : [userId], 'alone');
    const notification = notificationId ? Prisma.sql`AND user_id = ${notificationId}::uuid` : Prisma.empty;
    const rest = after
      ? Prisma.sql`AND (user_id, key) > (${after.user_id}::uuid, ${after.key})`
      : Prisma.empty;
    const places = await tx.$queryRaw<Place[]>`
      SELECT user_id, key FROM notification_causes
      WHERE ${Prisma.raw(column)} = ${userId}::uuid ${notification} ${rest} ORDER BY user_id, key LIMIT ${BATCH}`;
    return { revised: await revisePlaces(tx, places), places };
  }
}
