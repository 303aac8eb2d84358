import type { PageQuery, ReviewPage } from '#contracts';
import { notBlockedWith } from '#identity';
import { LargePages, Prisma, PrismaService, idsBefore, type Sized } from '#platform';
import { requireVisible } from '#social';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { REVIEW, toReview } from '../bookings/bookings.js';
import { averageOf } from '../services/masters.js';

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
  constructor(
    private readonly prisma: PrismaService,
    private readonly large: LargePages,
  ) {}

  async execute({ userId, masterId, page: { limit, cursor } }: ListReviews): Promise<ReviewPage> {
    await requireVisible(this.prisma, userId, masterId);
    // The list and the average leave out reviews of banned clients. A block hides reviews from one reader only.
    const [found, rating] = await Promise.all([
      this.prisma.$queryRaw<Sized[]>`
        SELECT r.id, 500 + octet_length(coalesce(r.text, '')) + octet_length(coalesce(u.avatar, '')) AS bytes
        FROM reviews r JOIN users u ON u.id = r.client_id
        WHERE r.master_id = ${masterId}::uuid AND r.id < ${idsBefore(cursor)}::uuid AND NOT r.hidden
          AND ${notBlockedWith(userId, Prisma.raw('r.client_id'))}
        ORDER BY r.id DESC LIMIT ${limit + 1}`,
      this.prisma.masterRating.findUnique({ where: { masterId } }),
    ]);
    const page = await this.large.list(userId, found, limit, async (ids) => {
      const where = { id: { in: ids } };
      const rows = await this.prisma.review.findMany({ where, orderBy: { id: 'desc' }, ...REVIEW });
      return rows.map(toReview);
    });
    return {
      ...page,
      average: averageOf(rating),
      count: rating?.reviewsCount ?? 0,
    };
  }
}
