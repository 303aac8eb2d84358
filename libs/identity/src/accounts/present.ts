import { AppError } from '#contracts';
import type { Prisma } from '#platform';

/** The same error for a user who does not exist, is banned or is hidden by a block. */
export const noSuchUser = () => new AppError('NOT_FOUND', 'No such user', { reason: 'user_not_found' });

/**
 * Requires that all of these users exist and none is banned, until the end of the transaction. A concurrent ban waits
 * for it, and then sees its result. Every write that relates people to each other calls this first.
 * @throws AppError NOT_FOUND
 */
export async function requirePresent(
  tx: Pick<Prisma.TransactionClient, '$queryRaw'>,
  userIds: string[],
): Promise<void> {
  const ids = [...new Set(userIds)];
  const present = await tx.$queryRaw<object[]>`
    SELECT FROM users WHERE id = ANY(${ids}::uuid[]) AND banned_at IS NULL ORDER BY id FOR KEY SHARE`;
  if (present.length < ids.length) throw noSuchUser();
}
