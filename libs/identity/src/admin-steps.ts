import { AppError } from '#contracts';
import type { Prisma, User } from '#platform';
import { noSuchUser } from './present.js';

/**
 * The user whom an admin is about to change. Both rows are locked to the end of the transaction, in one order, and the
 * admin is looked at again under the lock: two who take the role from each other cannot both succeed. The user's row is
 * locked in the mode for which `requirePresent` and the checks of foreign keys wait.
 * @throws AppError NOT_FOUND; FORBIDDEN for who is no admin any more
 */
export async function lockForAdmin(
  tx: Prisma.TransactionClient,
  adminId: string,
  userId: string,
): Promise<User> {
  const ids = [adminId, userId];
  for (const id of [...new Set(ids)].sort())
    await (id === userId
      ? tx.$queryRaw`SELECT FROM users WHERE id = ${id}::uuid FOR UPDATE`
      : tx.$queryRaw`SELECT FROM users WHERE id = ${id}::uuid FOR NO KEY UPDATE`);
  const users = await tx.user.findMany({ where: { id: { in: ids } } });
  const admin = users.find(({ id }) => id === adminId);
  if (admin?.role !== 'admin' || admin.bannedAt) throw new AppError('FORBIDDEN', 'This is for admins');
  const user = users.find(({ id }) => id === userId);
  if (!user) throw noSuchUser();
  return user;
}

/**
 * Ends all of a user's sessions, under the lock of the user's row, for which a sign-in waits.
 * @returns their ids
 */
export async function revokeSessions(tx: Prisma.TransactionClient, userId: string): Promise<string[]> {
  const now = new Date();
  // In the order in which those that connect are locked.
  await tx.$queryRaw`SELECT FROM sessions WHERE user_id = ${userId}::uuid AND revoked_at IS NULL ORDER BY id FOR UPDATE`;
  const revoked = await tx.session.updateManyAndReturn({
    where: { userId, revokedAt: null, expiresAt: { gt: now } },
    data: { revokedAt: now },
    select: { id: true },
  });
  return revoked.map(({ id }) => id);
}
