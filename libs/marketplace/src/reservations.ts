import { AppError } from '#contracts';
import { tell } from '#notifications';
import { newId, violates, type Prisma } from '#platform';
import { Injectable } from '@nestjs/common';
import { availabilityOf } from './availabilities.js';
import { factsOf } from './bookings.js';
import { findService } from './services.js';
import { isSlot } from './slots.js';

const YEAR_MS = 366 * 24 * 3600_000;

export interface Reservation {
  clientId: string;
  serviceId: string;
  startsAt: Date;
  note?: string;
  now: Date;
}

/** Makes booking requests: the one way to a new booking. */
@Injectable()
export class Reservations {
  /**
   * Requests a slot in the caller's transaction, and has the master told. Answers the booking's id.
   *
   * The exclusion constraint is what makes a second booking of the same time impossible. The master's row is locked
   * before it, since two inserts at once would each wait for the other's end: all but one wait here instead.
   *
   * @throws AppError NOT_FOUND (service); FORBIDDEN (one's own); INVALID_DATA (starts_at is no slot ahead); CONFLICT
   */
  async reserve(
    tx: Prisma.TransactionClient,
    { clientId, serviceId, startsAt, note, now }: Reservation,
  ): Promise<string> {
    const { masterId, duration, name, price } = await findService(tx, clientId, serviceId);
    if (masterId === clientId) throw new AppError('FORBIDDEN', 'This is a service of your own');
    if (startsAt <= now) throw AppError.invalid('starts_at', 'must be ahead');
    if (startsAt.getTime() > now.getTime() + YEAR_MS)
      throw AppError.invalid('starts_at', 'must be within a year');
    await tx.$queryRaw`SELECT FROM availabilities WHERE master_id = ${masterId}::uuid FOR NO KEY UPDATE`;
    const availability = await availabilityOf(tx, masterId);
    if (!availability || !isSlot(availability, duration, startsAt))
      throw AppError.invalid('starts_at', 'is no slot of this service');
    const endsAt = new Date(startsAt.getTime() + duration * 60_000);
    const booking = {
      id: newId(),
      serviceId,
      masterId,
      clientId,
      startsAt,
      endsAt,
      serviceName: name,
      price,
    };
    try {
      await tx.booking.create({ data: { ...booking, note: note ?? null } });
    } catch (error) {
      if (violates(error, 'bookings_no_overlap')) throw new AppError('CONFLICT', 'This time is taken');
      throw error;
    }
    await tell(tx, [masterId], {
      type: 'booking_request',
      key: `booking_request:${booking.id}`,
      actorId: clientId,
      data: await factsOf(tx, booking),
    });
    return booking.id;
  }
}
