import { notBlockedWith, noSuchUser } from '#identity';
import { Prisma } from '#platform';

/** SQL expression: a `PersonDto` of a row of `users`. */
export const person = (table: string): Prisma.Sql =>
  Prisma.raw(`jsonb_build_object('id', ${table}.id, 'name', ${table}.name, 'handle', ${table}.handle,
    'avatar', ${table}.avatar, 'is_master', ${table}.is_master)`);

/** SQL condition: a user may see the user in this row of `users`, and their content. Null ignores blocks. */
export const visibleTo = (readerId: string | null, table: string): Prisma.Sql => Prisma.sql`
  ${Prisma.raw(table)}.banned_at IS NULL AND ${notBlockedWith(readerId, Prisma.raw(`${table}.id`))}`;

/** @throws AppError NOT_FOUND (also for users hidden by a ban or a block) */
export async function requireVisible(
  tx: Pick<Prisma.TransactionClient, '$queryRaw'>,
  userId: string | null,
  otherId: string,
): Promise<void> {
  const found = await tx.$queryRaw<object[]>`
    SELECT FROM users u WHERE u.id = ${otherId}::uuid AND ${visibleTo(userId, 'u')}`;
  if (found.length === 0) throw noSuchUser();
}
