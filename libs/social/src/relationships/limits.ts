import { AppError, MAX_FOLLOWS } from '#contracts';
import { requirePresent } from '#identity';
import { REACH, type Prisma } from '#platform';

/**
 * Refuses one more of what a user may have only so many of, in the caller's transaction and under the users' rows, taken in
 * one order: of two at the same moment, the second counts the first.
 * @throws AppError CONFLICT
 */
export async function requireBelowLimit(
  tx: Prisma.TransactionClient,
  userIds: string[],
  count: (userId: string) => Promise<number>,
  most = MAX_FOLLOWS,
): Promise<void> {
  await tx.$queryRaw`SELECT FROM users WHERE id = ANY(${userIds}::uuid[]) ORDER BY id FOR NO KEY UPDATE`;
  for (const id of userIds)
    if ((await count(id)) >= most) throw new AppError('CONFLICT', `${most} are the most there can be`);
}

/**
 * That a user may write one more post.
 * @throws AppError NOT_FOUND (banned), CONFLICT
 */
export async function requireBelowPostLimit(tx: Prisma.TransactionClient, authorId: string): Promise<void> {
  await requirePresent(tx, [authorId]);
  const { most } = REACH.posts;
  await requireBelowLimit(tx, [authorId], () => tx.post.count({ where: { authorId }, take: most }), most);
}
