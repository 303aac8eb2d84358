import type { PageQuery, PersonDto } from '#contracts';
import { PrismaService, idsAfter, idCursor, pageOf } from '#platform';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';

/**
 * The users whom the user has blocked, without banned users, by id and with their names at the time of the block: no
 * other list contains them.
 * @throws AppError INVALID_DATA (names `cursor`)
 */
export class ListBlocked extends Query<{ items: PersonDto[]; next_cursor: string | null }> {
  constructor(
    readonly userId: string,
    readonly page: PageQuery,
  ) {
    super();
  }
}

@QueryHandler(ListBlocked)
export class ListBlockedHandler implements IQueryHandler<ListBlocked> {
  constructor(private readonly prisma: PrismaService) {}

  async execute({ userId, page: { limit, cursor } }: ListBlocked) {
    const rows = await this.prisma.$queryRaw<{ id: string; person: PersonDto }[]>`
      SELECT u.id, jsonb_build_object('id', u.id, 'name', b.blocked_name, 'handle', b.blocked_handle, 'avatar', NULL, 'is_master', false) AS person
      FROM blocks b JOIN users u ON u.id = b.blocked_id
      WHERE b.blocker_id = ${userId}::uuid AND b.blocked_id > ${idsAfter(cursor)}::uuid AND u.banned_at IS NULL
      ORDER BY b.blocked_id LIMIT ${limit + 1}`;
    const { items, next_cursor } = pageOf(rows, limit, idCursor);
    return { items: items.map((row) => row.person), next_cursor };
  }
}
