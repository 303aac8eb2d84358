import { AppError, type ReviewBody, type ReviewDto } from '#contracts';
import { Blocks, requirePresent } from '#identity';
import { enqueueNotification } from '#notifications';
import { PrismaService, isUniqueViolation, newId } from '#platform';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { Bookings, REVIEW, toReview } from '../bookings/bookings.js';

/**
 * Stores the client's review of a completed visit, one per visit. It changes the master's average and notifies the
 * master. Both parties receive the booking with its review. A review is public, so a block does not prevent it; then
 * the master is not notified.
 * @throws AppError NOT_FOUND, FORBIDDEN (for anybody but the client), CONFLICT (before completion, or for a second
 *   review)
 */
export class ReviewBooking extends Command<ReviewDto> {
  constructor(
    readonly userId: string,
    readonly bookingId: string,
    readonly body: ReviewBody,
    readonly now = new Date(),
  ) {
    super();
  }
}

@CommandHandler(ReviewBooking)
export class ReviewBookingHandler implements ICommandHandler<ReviewBooking> {
  constructor(
    private readonly prisma: PrismaService,
    private readonly bookings: Bookings,
    private readonly blocks: Blocks,
  ) {}

  async execute({ userId, bookingId, body: { rating, text }, now }: ReviewBooking): Promise<ReviewDto> {
    const { masterId, clientId, status } = await this.bookings.require(userId, bookingId);
    if (clientId !== userId) throw new AppError('FORBIDDEN', 'Only the client may review a visit');
    // Completed is final, so the state cannot change between this check and the insert.
    if (status !== 'completed')
      throw new AppError('CONFLICT', 'Only a completed visit can be reviewed', { reason: 'wrong_state' });
    const id = newId();
    try {
      const review = await this.prisma.$transaction(async (tx) => {
        await requirePresent(tx, [clientId]);
        const review = await tx.review.create({
          data: { id, bookingId, masterId, clientId, rating, text: text ?? null },
          ...REVIEW,
        });
        await tx.booking.update({ where: { id: bookingId }, data: { updatedAt: now }, select: { id: true } });
        await enqueueNotification(tx, [masterId], {
          type: 'review_received',
          key: `review_received:${bookingId}`,
          actorId: userId,
          data: { review_id: id, booking_id: bookingId, user_id: userId, rating },
        });
        // Last, since all concurrent reviews of this master wait for this row.
        await tx.$executeRaw`
          INSERT INTO master_ratings (master_id, reviews_count, rating_sum) VALUES (${masterId}::uuid, 1, ${rating})
          ON CONFLICT (master_id) DO UPDATE SET reviews_count = master_ratings.reviews_count + 1,
            rating_sum = master_ratings.rating_sum + excluded.rating_sum`;
        return toReview(review);
      });
      const isBlocked = await this.blocks.areBetween(clientId, masterId);
      await this.bookings.announce(bookingId, userId, isBlocked ? [clientId] : undefined);
      return review;
    } catch (error) {
      if (isUniqueViolation(error))
        throw new AppError('CONFLICT', 'You have already reviewed this visit', {
          reason: 'already_reviewed',
        });
      throw error;
    }
  }
}
