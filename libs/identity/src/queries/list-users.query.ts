import { AppError } from '#contracts';
import { decodeCursor, encodeCursor, Prisma, PrismaService } from '#platform';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { validate as isUuid } from 'uuid';
import { notBlockedWith } from '../blocks.js';
import { toProfile, type Profile, type ProfileColumns } from '../profile.js';

/** Without three letters or digits in a row there is no trigram for the index to look for. */
const TRIGRAM = /[\p{L}\p{N}]{3}/u;

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
  ) {
    super();
  }
}

@QueryHandler(ListUsers)
export class ListUsersHandler implements IQueryHandler<ListUsers> {
  constructor(private readonly prisma: PrismaService) {}

  async execute({ query, limit, cursor, viewerId }: ListUsers) {
    const rows = await this.prisma.$queryRaw<(ProfileColumns & { key: string })[]>`
      SELECT id, name, handle, avatar, is_master AS "isMaster", last_seen_at AS "lastSeenAt", lower(name) AS key
      FROM users
      WHERE banned_at IS NULL AND id <> ${viewerId}::uuid AND ${matches(query?.trim() ?? '')} AND ${after(cursor)}
        AND ${notBlockedWith(viewerId, Prisma.raw('users.id'))}
      ORDER BY lower(name) USING ~<~, id
      LIMIT ${limit + 1}`;
    const items = rows.slice(0, limit);
    const last = items.at(-1);
    return {
      items: items.map(toProfile),
      next_cursor: last && rows.length > limit ? encodeCursor([last.key, last.id]) : null,
    };
  }
}

/** PostgreSQL lowers both sides, so that they agree about every letter; the expressions are those of the indexes. */
function matches(text: string): Prisma.Sql {
  if (text === '') return Prisma.sql`true`;
  const literal = text.replace(/[\\%_]/g, '\\$&');
  if (TRIGRAM.test(text)) return Prisma.sql`lower(name || ' ' || handle) LIKE lower(${`%${literal}%`})`;
  const named = Prisma.sql`lower(name) LIKE lower(${`${literal}%`})`;
  // Other characters no handle has: then one range of the index holds all there is to find.
  return /^\w+$/.test(text) ? Prisma.sql`(${named} OR handle LIKE lower(${`${literal}%`}))` : named;
}

/** `~>~` compares byte by byte, the order of the `text_pattern_ops` index whatever the database's locale is. */
function after(cursor?: string | null): Prisma.Sql {
  if (cursor == null) return Prisma.sql`true`;
  const [name, id] = decodeCursor(cursor, 'string', 'string');
  if (!isUuid(id) || name.includes('\0')) throw AppError.invalid('cursor', 'is not a cursor of this list');
  return Prisma.sql`lower(name) ~>=~ ${name} AND (lower(name) ~>~ ${name} OR id > ${id}::uuid)`;
}
