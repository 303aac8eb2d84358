import { Prisma, PrismaService } from '#platform';
import { Injectable } from '@nestjs/common';

/** A condition for SQL: no block, either way, between two users. Of the two lookups, each goes by an index. */
export const notBlocked = (a: Prisma.Sql, b: Prisma.Sql): Prisma.Sql => Prisma.sql`
  NOT EXISTS (SELECT FROM blocks WHERE blocker_id = ${a} AND blocked_id = ${b})
  AND NOT EXISTS (SELECT FROM blocks WHERE blocker_id = ${b} AND blocked_id = ${a})`;

/** The same of a user and the one in a column (`Prisma.raw('p.author_id')`); true for null, from whom nothing is cut off. */
export const notBlockedWith = (userId: string | null, column: Prisma.Sql): Prisma.Sql =>
  notBlocked(Prisma.sql`${userId}::uuid`, column);

/**
 * What is booked between two people, or by one client of anybody, and blocks are written one after the other; many at once in
 * one order. The last lock to be taken: a proposal is accepted under its chat's row, for which a block waits under its pair's.
 */
export async function lockBookings(
  tx: Pick<Prisma.TransactionClient, '$executeRaw'>,
  pairs: ([a: string, b: string] | [client: string])[],
): Promise<void> {
  const keys = [...new Set(pairs.map((pair) => `bookings:${[...pair].sort().join(':')}`))].sort();
  await tx.$executeRaw`
    SELECT pg_advisory_xact_lock(hashtextextended(key, 0)) FROM unnest(${keys}::text[]) AS key`;
}

/** Whether people have cut each other off; a block works both ways (contract, "REST"). */
@Injectable()
export class Blocks {
  constructor(private readonly prisma: PrismaService) {}

  /** Of one with another, or with any of several; in a transaction of the caller's, if one is given. */
  async areBetween(
    a: string,
    b: string | string[],
    tx: Pick<Prisma.TransactionClient, 'block'> = this.prisma,
  ): Promise<boolean> {
    const otherIds = [b].flat();
    const block = await tx.block.findFirst({
      where: {
        OR: [
          { blockerId: a, blockedId: { in: otherIds } },
          { blockerId: { in: otherIds }, blockedId: a },
        ],
      },
      select: { blockerId: true },
    });
    return block !== null;
  }
}
