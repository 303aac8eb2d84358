import type { AccountQuery } from '#contracts';
import { Prisma, Searches } from '#platform';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { toAccount, type Account, type AccountColumns } from '../accounts/account.js';
import { searchUsers } from '../accounts/user-search.js';

/**
 * All users by name, including banned users. The query also searches e-mail addresses (`GET admin/users`).
 * @throws AppError INVALID_DATA (names `cursor`)
 */
export class ListAccounts extends Query<{ items: Account[]; next_cursor: string | null }> {
  constructor(
    readonly adminId: string,
    readonly page: AccountQuery,
  ) {
    super();
  }
}

@QueryHandler(ListAccounts)
export class ListAccountsHandler implements IQueryHandler<ListAccounts> {
  constructor(private readonly searches: Searches) {}

  async execute({ adminId, page: { query, limit, cursor } }: ListAccounts) {
    const { items, next_cursor } = await this.searches.run(adminId, (search) =>
      searchUsers<AccountColumns>(search, {
        query,
        byEmail: true,
        limit,
        cursor,
        columns: Prisma.sql`id, name, handle, avatar, is_master AS "isMaster", last_seen_at AS "lastSeenAt", email, role,
          banned_at AS "bannedAt", created_at AS "createdAt"`,
        where: Prisma.sql`true`,
      }),
    );
    return { items: items.map(toAccount), next_cursor };
  }
}
