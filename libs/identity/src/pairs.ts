import { KeyedQueue, PrismaService, type Prisma } from '#platform';
import { Injectable } from '@nestjs/common';

/**
 * What ties two people together (follows, friendship, their chat) and what cuts them off are written one after the
 * other: to the end of the transaction, a block that was not there does not appear. Before they take a connection they wait
 * in line here, so that a pair holds one. Other nodes' changes still meet in the database. Both of a pair have few writes at
 * once (`Writes`): a line needs no other bound.
 */
@Injectable()
export class Pairs {
  private readonly queue = new KeyedQueue();

  constructor(private readonly prisma: PrismaService) {}

  /** @throws what `change` throws, or a change before it that met no database */
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
