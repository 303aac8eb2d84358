import { AppError } from '#contracts';
import type { Prisma, User } from '#platform';
import { noSuchUser } from '../accounts/present.js';

/**
 * Loads the user whom an admin is about to change. Both rows are locked until the end of the transaction, always in the
 * same order. The admin's role is checked under the lock: two admins who take the role from each other cannot both
 * succeed. The lock mode of the user's row conflicts with `requirePresent` and with foreign key checks.
 * @throws AppError NOT_FOUND, FORBIDDEN (when the caller is no longer an admin)
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
  if (admin?.role !== 'admin' || admin.bannedAt) throw new AppError('FORBIDDEN', 'Admin role required');
  const user = users.find(({ id }) => id === userId);
  if (!user) throw noSuchUser();
  return user;
}

/**
 * Ends all sessions of a user. The user's row is locked, so a concurrent sign-in waits.
 * @returns the ids of the sessions
 */
export async function revokeSessions(tx: Prisma.TransactionClient, userId: string): Promise<string[]> {
  const now = new Date();
  // In the same lock order as connecting sessions.
  await tx.$queryRaw`SELECT FROM sessions WHERE user_id = ${userId}::uuid AND revoked_at IS NULL ORDER BY id FOR UPDATE`;
  const revoked = await tx.session.updateManyAndReturn({
    where: { userId, revokedAt: null, expiresAt: { gt: now } },
    data: { revokedAt: now },
    select: { id: true },
  });
  return revoked.map(({ id }) => id);
}
