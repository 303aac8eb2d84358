import type { PageQuery, ReviewPage } from '#contracts';
import { PrismaService, idsBefore, pageOf } from '#platform';
import { requireVisible } from '#social';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { REVIEW, toReview } from '../bookings.js';
import { averageOf } from '../masters.js';

/** The reviews of a master, newest first. @throws AppError NOT_FOUND, INVALID_DATA (names `cursor`) */
export class ListReviews extends Query<ReviewPage> {
  constructor(
    readonly userId: string,
    readonly masterId: string,
    readonly page: PageQuery,
  ) {
    super();
  }
}

@QueryHandler(ListReviews)
export class ListReviewsHandler implements IQueryHandler<ListReviews> {
  constructor(private readonly prisma: PrismaService) {}

  async execute({ userId, masterId, page: { limit, cursor } }: ListReviews): Promise<ReviewPage> {
    await requireVisible(this.prisma, userId, masterId);
    const [rows, rating] = await Promise.all([
      this.prisma.review.findMany({
        where: {
          masterId,
          id: { lt: idsBefore(cursor) },
          // Reviews of banned clients are hidden; the average excludes them too.
          hidden: false,
          // A block hides a client's reviews from one reader; the average includes them.
          client: {
            blocks: { none: { blockedId: userId } },
            blockedBy: { none: { blockerId: userId } },
          },
        },
        orderBy: { id: 'desc' },
        take: limit + 1,
        ...REVIEW,
      }),
      this.prisma.masterRating.findUnique({ where: { masterId } }),
    ]);
    const { items, next_cursor } = pageOf(rows, limit);
    return {
      items: items.map(toReview),
      next_cursor,
      average: averageOf(rating),
      count: rating?.reviewsCount ?? 0,
    };
  }
}
