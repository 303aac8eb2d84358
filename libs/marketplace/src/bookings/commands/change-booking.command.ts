import { DAY_MS, HOUR_MS, AppError, type BookingDto } from '#contracts';
import { Blocks } from '#identity';
import { NotificationPublisher, enqueueNotification, type Revised } from '#notifications';
import { PrismaService, type Prisma } from '#platform';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { availabilityOf } from '../../availability/availabilities.js';
import { Bookings, factsOf, reviseBookings, type BookingRow } from '../bookings.js';
import { TRANSITIONS, type BookingAction, type Side } from '../transitions.js';

/** Counted from the end of the visit. */
const DISPUTED_WITHIN_MS = 7 * DAY_MS;

/**
 * Makes one transition of a booking and notifies the other party (`POST
 * bookings/:id/confirm|decline|cancel|complete|no-show|dispute`).
 * @throws AppError NOT_FOUND, FORBIDDEN (when the caller's party may not make the transition), CONFLICT (in the wrong
 *   state)
 */
export class ChangeBooking extends Command<BookingDto> {
  constructor(
    readonly userId: string,
    readonly bookingId: string,
    readonly action: BookingAction,
    readonly reason?: string,
    readonly now = new Date(),
  ) {
    super();
  }
}

@CommandHandler(ChangeBooking)
export class ChangeBookingHandler implements ICommandHandler<ChangeBooking> {
  constructor(
    private readonly prisma: PrismaService,
    private readonly bookings: Bookings,
    private readonly blocks: Blocks,
    private readonly notifications: NotificationPublisher,
  ) {}

  async execute(change: ChangeBooking): Promise<BookingDto> {
    const row = await this.bookings.require(change.userId, change.bookingId);
    const { by } = TRANSITIONS[change.action];
    const side = row.masterId === change.userId ? 'master' : 'client';
    if (!by.includes(side))
      throw new AppError('FORBIDDEN', `Only the ${by.join(' or the ')} may ${change.action} a booking`);
    const revised = await this.prisma.$transaction((tx) => this.apply(tx, row, side, change));
    await this.notifications.publish(revised);
    return this.bookings.announce(row.id, change.userId);
  }

  /** The update checks the state itself: of two concurrent transitions, one finds another state. */
  private async apply(
    tx: Prisma.TransactionClient,
    row: BookingRow,
    side: Side,
    { userId, action, now, ...change }: ChangeBooking,
  ): Promise<Revised[]> {
    // A text does not reach the other party across a block.
    const isBlocked = change.reason && (await this.blocks.areBetween(row.masterId, row.clientId, tx));
    const reason = isBlocked ? undefined : change.reason;
    const { from, to, start } = TRANSITIONS[action];
    const { count } = await tx.booking.updateMany({
      where: {
        id: row.id,
        status: { in: from },
        startsAt: start === 'ahead' ? { gt: now } : { lte: now },
        // The client may still come until the end of the slot.
        ...(action === 'no-show' && { endsAt: { lte: now } }),
        ...(action === 'dispute' && {
          noShow: true,
          endsAt: { gt: new Date(now.getTime() - DISPUTED_WITHIN_MS) },
        }),
      },
      data: {
        status: to,
        updatedAt: now,
        ...(action === 'dispute' ? { disputed: true } : { reason: reason ?? null }),
        ...(action === 'complete' && { endedEarly: row.endsAt > now }),
        ...(action === 'no-show' && { noShow: true }),
        ...(action === 'cancel' && { cancelledBy: side }),
        // A reminder that was due before the confirmation is not sent late.
        ...(to === 'confirmed' && { remindedAt: reminderBefore(row.startsAt, now) }),
      },
    });
    if (count === 0)
      throw new AppError('CONFLICT', 'The state of the booking does not allow this', {
        reason: 'wrong_state',
      });
    const availability = await availabilityOf(tx, row.masterId);
    const data = factsOf(row, availability?.timezone ?? 'UTC');
    if (to === 'confirmed')
      await enqueueNotification(tx, [row.clientId], {
        type: 'booking_confirmed',
        key: `booking_confirmed:${row.id}`,
        actorId: userId,
        data,
      });
    if (to === 'cancelled' || to === 'declined')
      await enqueueNotification(tx, [row.masterId, row.clientId], {
        type: 'booking_cancelled',
        key: `booking_cancelled:${row.id}`,
        actorId: userId,
        data: { ...data, outcome: action === 'no-show' ? 'no_show' : to, reason: reason ?? null },
      });
    if (action === 'dispute')
      await enqueueNotification(tx, [row.masterId], {
        type: 'booking_confirmed',
        key: `booking_disputed:${row.id}`,
        actorId: userId,
        data: { ...data, outcome: 'disputed' },
      });
    return reviseBookings(tx, [row.id]);
  }
}

function reminderBefore(startsAt: Date, now: Date): number | null {
  const hours = (startsAt.getTime() - now.getTime()) / HOUR_MS;
  if (hours <= 2) return 2;
  return hours <= 24 ? 24 : null;
}
