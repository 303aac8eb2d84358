import { KeyedQueue, PrismaService, type Prisma } from '#platform';
import { Injectable } from '@nestjs/common';

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
    const pair = [a, b].sort().join(':');
    return this.queue.run(pair, () =>
      this.prisma.$transaction(async (tx) => {
        await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended(${pair}, 0))`;
        return change(tx);
      }),
    );
  }
}
