import type { BookingDto, CreateBookingBody } from '#contracts';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { Bookings } from '../bookings.js';
import { Reservations } from '../reservations.js';

/**
 * Requests a slot of a service and notifies the master (`POST bookings`).
 * @throws AppError NOT_FOUND, FORBIDDEN (for one's own service), INVALID_DATA (names `starts_at`), CONFLICT (when the
 *   slot is taken, the service has changed, too many requests are open, or the time was cancelled twice), RATE_LIMIT
 *   (requests per day)
 */
export class CreateBooking extends Command<BookingDto> {
  constructor(
    readonly clientId: string,
    readonly body: CreateBookingBody,
    readonly now = new Date(),
  ) {
    super();
  }
}

@CommandHandler(CreateBooking)
export class CreateBookingHandler implements ICommandHandler<CreateBooking> {
  constructor(
    private readonly bookings: Bookings,
    private readonly reservations: Reservations,
  ) {}

  async execute({ clientId, body, now }: CreateBooking): Promise<BookingDto> {
    const id = await this.reservations.make({
      clientId,
      serviceId: body.service_id,
      startsAt: new Date(body.starts_at),
      note: body.note,
      offered: body,
      now,
    });
    return this.bookings.announce(id, clientId);
  }
}
