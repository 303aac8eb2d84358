import type { AccountQuery } from '#contracts';
import { Prisma, PrismaService } from '#platform';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { toAccount, type Account, type AccountColumns } from '../account.js';
import { BY_NAME, hasTrigram, isAfter, isNamed, literal, pageByName } from '../user-search.js';

/**
 * All users by name, the banned too, found as `ListUsers` finds them or by e-mail (contract, `GET admin/users`).
 * Errors: INVALID_DATA (cursor).
 */
export class ListAccounts extends Query<{ items: Account[]; next_cursor: string | null }> {
  constructor(readonly page: AccountQuery) {
    super();
  }
}

@QueryHandler(ListAccounts)
export class ListAccountsHandler implements IQueryHandler<ListAccounts> {
  constructor(private readonly prisma: PrismaService) {}

  async execute({ page: { query, limit, cursor } }: ListAccounts) {
    const text = query?.trim() ?? '';
    const rows = await this.prisma.$queryRaw<(AccountColumns & { key: string })[]>`
      SELECT id, name, handle, avatar, is_master AS "isMaster", last_seen_at AS "lastSeenAt", email, role,
        banned_at AS "bannedAt", created_at AS "createdAt", lower(name) AS key
      FROM users WHERE (${isNamed(text)} OR ${hasEmail(text)}) AND ${isAfter(cursor)}
      ${BY_NAME} LIMIT ${limit + 1}`;
    const { items, next_cursor } = pageByName(rows, limit);
    return { items: items.map(toAccount), next_cursor };
  }
}

/** A part of the address; the whole of it, if there is nothing in the text that the index could look for. */
const hasEmail = (text: string): Prisma.Sql =>
  hasTrigram(text)
    ? Prisma.sql`email LIKE lower(${`%${literal(text)}%`})`
    : Prisma.sql`email = lower(${text})`;
