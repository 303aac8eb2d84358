import { Prisma, PrismaService } from '#platform';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { NotificationNews } from '../notification-news.js';
import { lockTelling, revise } from '../revise.js';

const BATCH = 500;

interface Place {
  user_id: string;
  key: string;
}

/** Brings what others are told because of a user in line with whether that user is banned; again changes nothing. */
export class ReconcileNotifications extends Command<void> {
  constructor(readonly userId: string) {
    super();
  }
}

@CommandHandler(ReconcileNotifications)
export class ReconcileNotificationsHandler implements ICommandHandler<ReconcileNotifications> {
  constructor(
    private readonly prisma: PrismaService,
    private readonly news: NotificationNews,
  ) {}

  async execute({ userId }: ReconcileNotifications): Promise<void> {
    for (const column of ['actor_id', 'owner_id'])
      for (let after: Place | undefined, isMore = true; isMore;) {
        const { revised, places } = await this.prisma.$transaction((tx) =>
          this.reviseNext(tx, userId, column, after),
        );
        await this.news.tell(revised);
        after = places.at(-1);
        isMore = places.length === BATCH;
      }
  }

  private async reviseNext(tx: Prisma.TransactionClient, userId: string, column: string, after?: Place) {
    // Who tells of something and does not know of the ban yet has stored it then.
    await lockTelling(tx, [userId], 'alone');
    const rest = after
      ? Prisma.sql`AND (user_id, key) > (${after.user_id}::uuid, ${after.key})`
      : Prisma.empty;
    const places = await tx.$queryRaw<Place[]>`
      SELECT user_id, key FROM notification_causes
      WHERE ${Prisma.raw(column)} = ${userId}::uuid ${rest} ORDER BY user_id, key LIMIT ${BATCH}`;
    const revised = await revise(
      tx,
      Prisma.sql`(c.key, c.user_id) IN (SELECT * FROM unnest(
        ${places.map(({ key }) => key)}::text[], ${places.map(({ user_id }) => user_id)}::uuid[]))`,
    );
    return { revised, places };
  }
}
