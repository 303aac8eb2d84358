import { IdentityModule } from '#identity';
import { NotificationsModule } from '#notifications';
import { Module } from '@nestjs/common';
import { Bookings } from './bookings/bookings.js';
import { ChangeBookingHandler } from './commands/change-booking.command.js';
import { CompleteBookingsHandler } from './commands/complete-bookings.command.js';
import { CreateBookingHandler } from './commands/create-booking.command.js';
import { CreateDemoVisitsHandler } from './commands/create-demo-visits.command.js';
import { CreateServiceHandler } from './commands/create-service.command.js';
import { DeleteServiceHandler } from './commands/delete-service.command.js';
import { ExpireBookingsHandler } from './commands/expire-bookings.command.js';
import { ProposeBookingsHandler } from './commands/propose-bookings.command.js';
import { ReconcileBookingsHandler } from './commands/reconcile-bookings.command.js';
import { RemindBookingsHandler } from './commands/remind-bookings.command.js';
import { ReviewBookingHandler } from './commands/review-booking.command.js';
import { SetAvailabilityHandler } from './commands/set-availability.command.js';
import { UpdateServiceHandler } from './commands/update-service.command.js';
import { FreeTime } from './availability/available-slots.js';
import { FindBookingHandler } from './queries/find-booking.query.js';
import { FindOwnServiceHandler } from './queries/find-own-service.query.js';
import { FindServiceHandler } from './queries/find-service.query.js';
import { GetAvailabilityHandler } from './queries/get-availability.query.js';
import { FindTimezoneHandler } from './queries/find-timezone.query.js';
import { ListBookingsHandler } from './queries/list-bookings.query.js';
import { ListReviewsHandler } from './queries/list-reviews.query.js';
import { ListServicesHandler } from './queries/list-services.query.js';
import { ListSlotsHandler } from './queries/list-slots.query.js';
import { ListTimezonesHandler } from './queries/list-timezones.query.js';
import { Reservations } from './bookings/reservations.js';

const handlers = [
  ChangeBookingHandler,
  CompleteBookingsHandler,
  CreateBookingHandler,
  CreateDemoVisitsHandler,
  CreateServiceHandler,
  DeleteServiceHandler,
  ExpireBookingsHandler,
  ProposeBookingsHandler,
  ReconcileBookingsHandler,
  RemindBookingsHandler,
  ReviewBookingHandler,
  SetAvailabilityHandler,
  UpdateServiceHandler,
  FindBookingHandler,
  FindOwnServiceHandler,
  FindServiceHandler,
  GetAvailabilityHandler,
  FindTimezoneHandler,
  ListBookingsHandler,
  ListReviewsHandler,
  ListServicesHandler,
  ListSlotsHandler,
  ListTimezonesHandler,
];

/** Services, availability, bookings, reviews, rebooking. */
@Module({
  imports: [IdentityModule, NotificationsModule],
  providers: [Bookings, FreeTime, Reservations, ...handlers],
  exports: [Bookings, Reservations],
})
export class MarketplaceModule {}
