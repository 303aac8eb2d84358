import { Prisma, PrismaService } from '#platform';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { notBlockedWith } from '../blocks.js';
import { toProfile, type Profile, type ProfileColumns } from '../profile.js';
import { BY_NAME, isAfter, isNamed, pageByName } from '../user-search.js';

/**
 * Users by name, those whose name or handle contains the text; for a text without three letters or digits in a
 * row, starts with it; all without one. Neither banned users, nor whom a block hides, nor the viewer (contract, `GET users`, `users:list`).
 * Errors: INVALID_DATA (cursor).
 */
export class ListUsers extends Query<{ items: Profile[]; next_cursor: string | null }> {
  constructor(
    readonly query: string | null | undefined,
    readonly limit: number,
    readonly cursor: string | null | undefined,
    readonly viewerId: string,
    /** Masters only, or everybody else; both without it. */
    readonly isMaster?: boolean | null,
  ) {
    super();
  }
}

@QueryHandler(ListUsers)
export class ListUsersHandler implements IQueryHandler<ListUsers> {
  constructor(private readonly prisma: PrismaService) {}

  async execute({ query, limit, cursor, viewerId, isMaster }: ListUsers) {
    const rows = await this.prisma.$queryRaw<(ProfileColumns & { key: string })[]>`
      SELECT id, name, handle, avatar, is_master AS "isMaster", last_seen_at AS "lastSeenAt", lower(name) AS key
      FROM users
      WHERE banned_at IS NULL AND id <> ${viewerId}::uuid AND ${isNamed(query?.trim() ?? '')} AND ${isAfter(cursor)}
        AND ${isMaster == null ? Prisma.sql`true` : isMaster ? Prisma.sql`is_master` : Prisma.sql`NOT is_master`}
        AND ${notBlockedWith(viewerId, Prisma.raw('users.id'))}
      ${BY_NAME} LIMIT ${limit + 1}`;
    const { items, next_cursor } = pageByName(rows, limit);
    return { items: items.map(toProfile), next_cursor };
  }
}
