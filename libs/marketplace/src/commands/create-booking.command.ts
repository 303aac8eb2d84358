import type { BookingDto, CreateBookingBody } from '#contracts';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { Bookings } from '../bookings.js';
import { Reservations } from '../reservations.js';

/**
 * Requests a slot of a service; the master is told (contract, `POST bookings`).
 * @throws AppError NOT_FOUND, FORBIDDEN (one's own service), INVALID_DATA (starts_at), CONFLICT (taken; the service has changed;
 *   too many are unanswered; or called off twice), RATE_LIMIT (requests of a day)
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
