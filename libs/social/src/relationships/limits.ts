import { AppError, MAX_FOLLOWS } from '#contracts';
import { requirePresent } from '#identity';
import { REACH, type Prisma } from '#platform';

/**
 * Refuses an item beyond a user's limit, in the caller's transaction. The users' rows are locked in one order: of two
 * concurrent calls, the second counts the first.
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
    if ((await count(id)) >= most) throw new AppError('CONFLICT', `Limit of ${most} reached`);
}

/**
 * Requires that a user may create another post.
 * @throws AppError NOT_FOUND (for a banned user), CONFLICT
 */
export async function requireBelowPostLimit(tx: Prisma.TransactionClient, authorId: string): Promise<void> {
  await requirePresent(tx, [authorId]);
  const { most } = REACH.posts;
  await requireBelowLimit(tx, [authorId], () => tx.post.count({ where: { authorId }, take: most }), most);
}
