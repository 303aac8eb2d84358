import { Prisma, Searches } from '#platform';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { notBlockedWith } from '../blocks/blocks.js';
import { toProfile, type Profile, type ProfileColumns } from '../accounts/profile.js';
import { searchUsers } from '../accounts/user-search.js';

/**
 * Users by name that `searchUsers` finds; all users without a query (`GET users`, `users:list`). Banned users, users
 * hidden by a block and the viewer are left out.
 * @throws AppError INVALID_DATA (names `cursor`), RATE_LIMIT, UNAVAILABLE
 */
export class ListUsers extends Query<{ items: Profile[]; next_cursor: string | null }> {
  constructor(
    readonly query: string | null | undefined,
    readonly limit: number,
    readonly cursor: string | null | undefined,
    readonly viewerId: string,
    /** True: only masters. False: only other users. Absent: both. */
    readonly isMaster?: boolean | null,
  ) {
    super();
  }
}

@QueryHandler(ListUsers)
export class ListUsersHandler implements IQueryHandler<ListUsers> {
  constructor(private readonly searches: Searches) {}

  async execute({ query, limit, cursor, viewerId, isMaster }: ListUsers) {
    const masters = isMaster ? Prisma.sql`is_master` : Prisma.sql`NOT is_master`;
    const { items, next_cursor } = await this.searches.run(viewerId, (search) =>
      searchUsers<ProfileColumns>(search, {
        query,
        limit,
        cursor,
        columns: Prisma.sql`id, name, handle, avatar, is_master AS "isMaster", last_seen_at AS "lastSeenAt"`,
        where: Prisma.sql`banned_at IS NULL AND id <> ${viewerId}::uuid
          AND ${isMaster == null ? Prisma.sql`true` : masters}
          AND ${notBlockedWith(viewerId, Prisma.raw('users.id'))}`,
      }),
    );
    return { items: items.map(toProfile), next_cursor };
  }
}
