import { AppError } from '#contracts';
import type { Prisma } from '#platform';

/** Says the same of a user who does not exist, is banned or is hidden by a block. */
export const noSuchUser = () => new AppError('NOT_FOUND', 'No such user', { reason: 'user_not_found' });

/**
 * That all of these users exist and none is banned, to the end of the transaction: a ban waits for it, and finds what
 * it has made. Everything that ties people together asks this first.
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
