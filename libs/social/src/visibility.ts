import { notBlockedWith, noSuchUser } from '#identity';
import { Prisma } from '#platform';

/** Expression for SQL: a `PersonDto` of a row of `users`. */
export const person = (table: string): Prisma.Sql =>
  Prisma.raw(`jsonb_build_object('id', ${table}.id, 'name', ${table}.name, 'handle', ${table}.handle,
    'avatar', ${table}.avatar, 'is_master', ${table}.is_master)`);

/** Condition for SQL: a user may see the one in this row of `users`, and what they write. Null looks past all blocks. */
export const visibleTo = (readerId: string | null, table: string): Prisma.Sql => Prisma.sql`
  ${Prisma.raw(table)}.banned_at IS NULL AND ${notBlockedWith(readerId, Prisma.raw(`${table}.id`))}`;

/** @throws AppError NOT_FOUND, also for those whom a ban or a block hides */
export async function requireVisible(
  tx: Pick<Prisma.TransactionClient, '$queryRaw'>,
  userId: string | null,
  otherId: string,
): Promise<void> {
  const found = await tx.$queryRaw<object[]>`
    SELECT FROM users u WHERE u.id = ${otherId}::uuid AND ${visibleTo(userId, 'u')}`;
  if (found.length === 0) throw noSuchUser();
}
