import { AppError, MAX_FOLLOWS } from '#contracts';
import type { Prisma } from '#platform';

/**
 * Refuses one more of what a user may have 5,000 of, in the caller's transaction and under the users' rows, taken in
 * one order: of two at the same moment, the second counts the first.
 * @throws AppError CONFLICT
 */
export async function assertRoom(
  tx: Prisma.TransactionClient,
  userIds: string[],
  count: (userId: string) => Promise<number>,
): Promise<void> {
  await tx.$queryRaw`SELECT FROM users WHERE id = ANY(${userIds}::uuid[]) ORDER BY id FOR NO KEY UPDATE`;
  for (const id of userIds)
    if ((await count(id)) >= MAX_FOLLOWS)
      throw new AppError('CONFLICT', `${MAX_FOLLOWS} are the most there can be`);
}
