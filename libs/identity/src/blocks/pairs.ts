import { KeyedQueue, PrismaService, type Prisma } from '#platform';
import { Injectable } from '@nestjs/common';

/** One text for two users, in either order. It is also the `direct_key` of their chat. */
export const pairKey = (...userIds: string[]): string => [...userIds].sort().join(':');

/** Condition of Prisma: two columns have `a` and `b`, in either order. */
export const inEitherOrder = <A extends string, B extends string, T>(one: A, other: B, a: string, b: T) => ({
  OR: [
    { [one]: a, [other]: b },
    { [one]: b, [other]: a },
  ] as Record<A | B, string | T>[],
});

/**
 * Serializes all changes between two people: follows, friendship, their chat, blocks. So a check for a block stays
 * valid until the end of the transaction. Changes queue here before they take a database connection, so a pair holds
 * one connection at most. Changes of other nodes are serialized by the database. `UserWrites` bounds the writes of each
 * user, so the queue needs no bound of its own.
 */
@Injectable()
export class Pairs {
  private readonly queue = new KeyedQueue({ sharesOutage: true });

  constructor(private readonly prisma: PrismaService) {}

  /** @throws any error of `change`, or an outage of an earlier change */
  change<T>(a: string, b: string, change: (tx: Prisma.TransactionClient) => Promise<T>): Promise<T> {
    const pair = pairKey(a, b);
    return this.queue.run(pair, () =>
      this.prisma.$transaction(async (tx) => {
        await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended(${pair}, 0))`;
        return change(tx);
      }),
    );
  }
}
