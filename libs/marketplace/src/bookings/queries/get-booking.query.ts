import type { BookingDto } from '#contracts';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { Bookings } from '../bookings.js';

/** A booking of one's own. @throws AppError NOT_FOUND, FORBIDDEN */
export class GetBooking extends Query<BookingDto> {
  constructor(
    readonly userId: string,
    readonly id: string,
  ) {
    super();
  }
}

@QueryHandler(GetBooking)
export class GetBookingHandler implements IQueryHandler<GetBooking> {
  constructor(private readonly bookings: Bookings) {}

  async execute({ userId, id }: GetBooking): Promise<BookingDto> {
    const [booking] = await this.bookings.seenBy(userId, [await this.bookings.require(userId, id)]);
    return booking!;
  }
}
