import { Prisma, PrismaService } from '#platform';
import { Injectable } from '@nestjs/common';

/**
 * A condition for SQL: no block, either way, between a user and whoever is in a column (`Prisma.raw('p.author_id')`).
 * Of the two lookups, each goes by an index.
 */
export const notBlockedWith = (userId: string, column: Prisma.Sql): Prisma.Sql => Prisma.sql`
  NOT EXISTS (SELECT FROM blocks WHERE blocker_id = ${userId}::uuid AND blocked_id = ${column})
  AND NOT EXISTS (SELECT FROM blocks WHERE blocker_id = ${column} AND blocked_id = ${userId}::uuid)`;

/** Whether people have cut each other off; a block works both ways (contract, "REST"). */
@Injectable()
export class Blocks {
  constructor(private readonly prisma: PrismaService) {}

  /** In a transaction of the caller's, if one is given. */
  async areBetween(
    a: string,
    b: string,
    tx: Pick<Prisma.TransactionClient, 'block'> = this.prisma,
  ): Promise<boolean> {
    const block = await tx.block.findFirst({
      where: {
        OR: [
          { blockerId: a, blockedId: b },
          { blockerId: b, blockedId: a },
        ],
      },
      select: { blockerId: true },
    });
    return block !== null;
  }
}
