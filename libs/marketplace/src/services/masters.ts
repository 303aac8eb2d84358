import type { MasterDto, PartyDto } from '#contracts';
import type { Prisma } from '#platform';

export const PARTY = {
  select: { id: true, name: true, avatar: true },
} as const satisfies Prisma.UserDefaultArgs;

export const MASTER = {
  select: { ...PARTY.select, rating: { select: { reviewsCount: true, ratingSum: true } } },
} as const satisfies Prisma.UserDefaultArgs;

/** The average, one decimal; null without reviews. */
export const averageOf = (rating: { reviewsCount: number; ratingSum: number } | null): number | null =>
  rating && rating.reviewsCount > 0 ? Math.round((rating.ratingSum / rating.reviewsCount) * 10) / 10 : null;

export const toMaster = ({
  rating,
  ...party
}: PartyDto & { rating: { reviewsCount: number; ratingSum: number } | null }): MasterDto => ({
  ...party,
  rating: averageOf(rating),
  reviews_count: rating?.reviewsCount ?? 0,
});
