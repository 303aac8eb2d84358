import { Prisma, PrismaService } from '#platform';
import { Injectable } from '@nestjs/common';
import { inEitherOrder, pairKey } from './pairs.js';

/** SQL condition: no block exists between two users, in either direction. Each of the two lookups uses an index. */
export const notBlocked = (a: Prisma.Sql, b: Prisma.Sql): Prisma.Sql => Prisma.sql`
  NOT EXISTS (SELECT FROM blocks WHERE blocker_id = ${a} AND blocked_id = ${b})
  AND NOT EXISTS (SELECT FROM blocks WHERE blocker_id = ${b} AND blocked_id = ${a})`;

/**
 * The same for a user and a column (`Prisma.raw('p.author_id')`). True when the user is null: then no block applies.
 */
export const notBlockedWith = (userId: string | null, column: Prisma.Sql): Prisma.Sql =>
  notBlocked(Prisma.sql`${userId}::uuid`, column);

/**
 * Serializes changes of bookings and blocks between two people, and of all bookings of one client. Several locks are
 * taken in one order. This lock is the last to be taken: accepting a proposal holds its chat's row, and a block waits
 * for that row while it holds the lock of its pair.
 */
export async function lockBookings(
  tx: Pick<Prisma.TransactionClient, '$executeRaw'>,
  pairs: ([a: string, b: string] | [client: string])[],
): Promise<void> {
  const keys = [...new Set(pairs.map((pair) => `bookings:${pairKey(...pair)}`))].sort();
  await tx.$executeRaw`
    SELECT pg_advisory_xact_lock(hashtextextended(key, 0)) FROM unnest(${keys}::text[]) AS key`;
}

/** Checks whether a block exists between users; a block works in both directions. */
@Injectable()
export class Blocks {
  constructor(private readonly prisma: PrismaService) {}

  /** Between one user and another, or any of several. Runs in the caller's transaction, if one is given. */
  async areBetween(
    a: string,
    b: string | string[],
    tx: Pick<Prisma.TransactionClient, 'block'> = this.prisma,
  ): Promise<boolean> {
    const block = await tx.block.findFirst({
      where: inEitherOrder('blockerId', 'blockedId', a, { in: [b].flat() }),
      select: { blockerId: true },
    });
    return block !== null;
  }
}
