import { LiveDeliveryModule } from '#realtime';
import { IdentityModule } from '#identity';
import { NotificationsModule } from '#notifications';
import { Module } from '@nestjs/common';
import { Bookings } from './bookings/bookings.js';
import { ChangeBookingHandler } from './bookings/commands/change-booking.command.js';
import { CompleteBookingsHandler } from './bookings/commands/complete-bookings.command.js';
import { CreateBookingHandler } from './bookings/commands/create-booking.command.js';
import { CreateDemoVisitsHandler } from './bookings/commands/create-demo-visits.command.js';
import { CreateServiceHandler } from './services/commands/create-service.command.js';
import { DeleteServiceHandler } from './services/commands/delete-service.command.js';
import { ExpireBookingsHandler } from './bookings/commands/expire-bookings.command.js';
import { ProposeBookingsHandler } from './rebooking/propose-bookings.command.js';
import { ReconcileBookingsHandler } from './bookings/commands/reconcile-bookings.command.js';
import { RemindBookingsHandler } from './bookings/commands/remind-bookings.command.js';
import { ReviewBookingHandler } from './reviews/review-booking.command.js';
import { SetAvailabilityHandler } from './availability/commands/set-availability.command.js';
import { UpdateServiceHandler } from './services/commands/update-service.command.js';
import { FreeTime } from './availability/available-slots.js';
import { GetBookingHandler } from './bookings/queries/get-booking.query.js';
import { GetOwnServiceHandler } from './services/queries/get-own-service.query.js';
import { GetServiceHandler } from './services/queries/get-service.query.js';
import { GetAvailabilityHandler } from './availability/queries/get-availability.query.js';
import { GetTimezoneHandler } from './availability/queries/get-timezone.query.js';
import { ListBookingsHandler } from './bookings/queries/list-bookings.query.js';
import { ListReviewsHandler } from './reviews/list-reviews.query.js';
import { ListServicesHandler } from './services/queries/list-services.query.js';
import { ListSlotsHandler } from './availability/queries/list-slots.query.js';
import { ListTimezonesHandler } from './availability/queries/list-timezones.query.js';
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
  GetBookingHandler,
  GetOwnServiceHandler,
  GetServiceHandler,
  GetAvailabilityHandler,
  GetTimezoneHandler,
  ListBookingsHandler,
  ListReviewsHandler,
  ListServicesHandler,
  ListSlotsHandler,
  ListTimezonesHandler,
];

/** Services, availability, bookings, reviews, rebooking. */
@Module({
  imports: [IdentityModule, LiveDeliveryModule, NotificationsModule],
  providers: [Bookings, FreeTime, Reservations, ...handlers],
  exports: [Bookings, Reservations],
})
export class MarketplaceModule {}
