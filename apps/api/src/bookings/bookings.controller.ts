import {
  BookingDto,
  BookingPage,
  BookingQuery,
  CreateBookingBody,
  PageQuery,
  ReasonBody,
  ReviewBody,
  ReviewDto,
  ReviewPage,
} from '#contracts';
import type { SignedIn } from '#identity';
import {
  ChangeBooking,
  CreateBooking,
  GetBooking,
  ListBookings,
  ListReviews,
  ReviewBooking,
} from '#marketplace';
import { Body, Controller, Get, Param, Post, Query } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { ApiBody, ApiTags } from '@nestjs/swagger';
import { Answers } from '../openapi/answers.js';
import { IdPipe } from '../http/id.pipe.js';
import { OptionalBody } from '../http/optional-body.js';
import { SignedInUser } from '../http/signed-in-user.js';

const ONE = ['INVALID_DATA', 'UNAUTHORIZED', 'NOT_FOUND', 'FORBIDDEN'] as const;

@ApiTags('bookings')
@Controller()
export class BookingsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
  ) {}

  @Get('bookings')
  @Answers('My bookings, latest start first', { type: BookingPage }, 'INVALID_DATA', 'UNAUTHORIZED')
  list(@SignedInUser() { userId }: SignedIn, @Query() query: BookingQuery): Promise<BookingPage> {
    return this.queries.execute(new ListBookings(userId, query));
  }

  @Post('bookings')
  @Answers('Request a slot of a service', { type: BookingDto, status: 201 }, ...ONE, 'CONFLICT', 'RATE_LIMIT')
  create(@SignedInUser() { userId }: SignedIn, @Body() body: CreateBookingBody): Promise<BookingDto> {
    return this.commands.execute(new CreateBooking(userId, body));
  }

  @Get('bookings/:id')
  @Answers('One of my bookings', { type: BookingDto }, ...ONE)
  find(@SignedInUser() { userId }: SignedIn, @Param('id', IdPipe) id: string): Promise<BookingDto> {
    return this.queries.execute(new GetBooking(userId, id));
  }

  @Post('bookings/:id/confirm')
  @Answers('Confirm a request, as the master', { type: BookingDto }, ...ONE, 'CONFLICT')
  confirm(@SignedInUser() { userId }: SignedIn, @Param('id', IdPipe) id: string): Promise<BookingDto> {
    return this.commands.execute(new ChangeBooking(userId, id, 'confirm'));
  }

  @Post('bookings/:id/decline')
  @ApiBody({ type: ReasonBody, required: false })
  @Answers('Decline a request, as the master', { type: BookingDto }, ...ONE, 'CONFLICT')
  decline(
    @SignedInUser() { userId }: SignedIn,
    @Param('id', IdPipe) id: string,
    @OptionalBody(ReasonBody) { reason }: ReasonBody,
  ): Promise<BookingDto> {
    return this.commands.execute(new ChangeBooking(userId, id, 'decline', reason));
  }

  @Post('bookings/:id/cancel')
  @ApiBody({ type: ReasonBody, required: false })
  @Answers('Cancel a booking before its start, as either party', { type: BookingDto }, ...ONE, 'CONFLICT')
  cancel(
    @SignedInUser() { userId }: SignedIn,
    @Param('id', IdPipe) id: string,
    @OptionalBody(ReasonBody) { reason }: ReasonBody,
  ): Promise<BookingDto> {
    return this.commands.execute(new ChangeBooking(userId, id, 'cancel', reason));
  }

  @Post('bookings/:id/complete')
  @Answers('Complete a visit, as the master', { type: BookingDto }, ...ONE, 'CONFLICT')
  complete(@SignedInUser() { userId }: SignedIn, @Param('id', IdPipe) id: string): Promise<BookingDto> {
    return this.commands.execute(new ChangeBooking(userId, id, 'complete'));
  }

  @Post('bookings/:id/no-show')
  @ApiBody({ type: ReasonBody, required: false })
  @Answers(
    'Report a no-show, as the master: cancelled, with no_show',
    { type: BookingDto },
    ...ONE,
    'CONFLICT',
  )
  noShow(
    @SignedInUser() { userId }: SignedIn,
    @Param('id', IdPipe) id: string,
    @OptionalBody(ReasonBody) { reason }: ReasonBody,
  ): Promise<BookingDto> {
    return this.commands.execute(new ChangeBooking(userId, id, 'no-show', reason));
  }

  @Post('bookings/:id/dispute')
  @Answers(
    'Dispute a no-show within 7 days, as the client: completed, with disputed',
    { type: BookingDto },
    ...ONE,
    'CONFLICT',
  )
  dispute(@SignedInUser() { userId }: SignedIn, @Param('id', IdPipe) id: string): Promise<BookingDto> {
    return this.commands.execute(new ChangeBooking(userId, id, 'dispute'));
  }

  @Post('bookings/:id/review')
  @Answers('Review a completed visit, as the client', { type: ReviewDto, status: 201 }, ...ONE, 'CONFLICT')
  review(
    @SignedInUser() { userId }: SignedIn,
    @Param('id', IdPipe) id: string,
    @Body() body: ReviewBody,
  ): Promise<ReviewDto> {
    return this.commands.execute(new ReviewBooking(userId, id, body));
  }

  @Get('users/:id/reviews')
  @Answers('The reviews of a master', { type: ReviewPage }, 'INVALID_DATA', 'UNAUTHORIZED', 'NOT_FOUND')
  reviews(
    @SignedInUser() { userId }: SignedIn,
    @Param('id', IdPipe) id: string,
    @Query() page: PageQuery,
  ): Promise<ReviewPage> {
    return this.queries.execute(new ListReviews(userId, id, page));
  }
}
