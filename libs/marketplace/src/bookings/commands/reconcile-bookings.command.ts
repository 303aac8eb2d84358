import { lockBookings } from '#identity';
import { NotificationPublisher, enqueueNotifications, type Revised } from '#notifications';
import { Prisma, PrismaService, addJob } from '#platform';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { WITH_TIMEZONE, factsOf, reviseBookings, timezoneOf } from '../bookings.js';

const BATCH = 100;

/**
 * Makes bookings and reviews consistent with a user's ban status. After a ban, their future bookings are cancelled, the
 * other parties are notified, and their reviews are hidden and leave the ratings. After an unban, the reviews return;
 * cancelled bookings stay cancelled. Repeating it changes nothing.
 */
export class ReconcileBookings extends Command<void> {
  constructor(
    readonly userId: string,
    readonly now = new Date(),
  ) {
    super();
  }
}

@CommandHandler(ReconcileBookings)
export class ReconcileBookingsHandler implements ICommandHandler<ReconcileBookings> {
  constructor(
    private readonly prisma: PrismaService,
    private readonly notifications: NotificationPublisher,
  ) {}

  async execute({ userId, now }: ReconcileBookings): Promise<void> {
    for (const side of ['master', 'client'] as const)
      for (let count = BATCH; count === BATCH;) {
        const some = await this.prisma.$transaction((tx) => cancelSome(tx, userId, side, now));
        await this.notifications.publish(some.revised);
        count = some.count;
      }
    while ((await this.prisma.$transaction((tx) => moveReviews(tx, userId))) === BATCH);
  }
}

/** Holds until the end of the transaction: a concurrent ban or unban waits for it. */
async function isBanned(tx: Prisma.TransactionClient, userId: string): Promise<boolean> {
  const [user] = await tx.$queryRaw<{ banned: boolean }[]>`
    SELECT banned_at IS NOT NULL AS banned FROM users WHERE id = ${userId}::uuid FOR SHARE`;
  return user?.banned ?? false;
}

/** Visits that have begun are kept. */
async function cancelSome(
  tx: Prisma.TransactionClient,
  userId: string,
  side: 'master' | 'client',
  now: Date,
): Promise<{ count: number; revised: Revised[] }> {
  if (!(await isBanned(tx, userId))) return { count: 0, revised: [] };
  const ahead = await tx.$queryRaw<{ id: string; master: string; client: string }[]>`
    SELECT id, master_id AS master, client_id AS client FROM bookings
    WHERE ${Prisma.raw(`${side}_id`)} = ${userId}::uuid AND status IN ('requested', 'confirmed') AND starts_at > ${now}
    ORDER BY starts_at, id LIMIT ${BATCH}`;
  if (ahead.length === 0) return { count: 0, revised: [] };
  // A block also cancels several bookings of one pair: this lock prevents a deadlock between the two.
  await lockBookings(
    tx,
    ahead.map(({ master, client }) => [master, client]),
  );
  const cancelled = await tx.$queryRaw<{ id: string }[]>`
    UPDATE bookings SET status = 'cancelled', updated_at = ${now}
    WHERE id = ANY(${ahead.map(({ id }) => id)}::uuid[]) AND status IN ('requested', 'confirmed') AND starts_at > ${now}
    RETURNING id`;
  const bookingIds = cancelled.map(({ id }) => id);
  const rows = await tx.booking.findMany({ where: { id: { in: bookingIds } }, ...WITH_TIMEZONE });
  await enqueueNotifications(
    tx,
    rows.map((row) => ({
      recipientIds: [row.masterId === userId ? row.clientId : row.masterId],
      cause: {
        type: 'booking_cancelled',
        key: `booking_cancelled:${row.id}`,
        actorId: null,
        data: { ...factsOf(row, timezoneOf(row)), outcome: 'unavailable', reason: null },
      },
    })),
  );
  if (bookingIds.length > 0) await addJob(tx, 'show-bookings', { bookingIds });
  return { count: ahead.length, revised: await reviseBookings(tx, bookingIds) };
}

async function moveReviews(tx: Prisma.TransactionClient, userId: string): Promise<number> {
  const hidden = await isBanned(tx, userId);
  const moves = await tx.$queryRaw<{ master_id: string; rating: number }[]>`
    UPDATE reviews SET hidden = ${hidden} WHERE id IN (
      SELECT id FROM reviews WHERE client_id = ${userId}::uuid AND hidden <> ${hidden} LIMIT ${BATCH} FOR UPDATE
    ) RETURNING master_id, rating`;
  if (moves.length === 0) return 0;
  const sign = hidden ? -1 : 1;
  const masters = moves.map(({ master_id }) => master_id);
  const ratings = moves.map(({ rating }) => rating);
  // In one order: reviews of two clients may concern the same masters.
  await tx.$queryRaw`
    SELECT FROM master_ratings WHERE master_id = ANY(${masters}::uuid[]) ORDER BY master_id FOR UPDATE`;
  await tx.$executeRaw`
    UPDATE master_ratings m SET (reviews_count, rating_sum) = (
      SELECT m.reviews_count + ${sign} * count(*), m.rating_sum + ${sign} * sum(r.rating)
      FROM unnest(${masters}::uuid[], ${ratings}::int[]) AS r (master_id, rating) WHERE r.master_id = m.master_id
    ) WHERE master_id = ANY(${masters}::uuid[])`;
  return moves.length;
}
