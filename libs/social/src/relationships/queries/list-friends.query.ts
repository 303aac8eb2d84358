import type { PageQuery } from '#contracts';
import { toProfile, type Profile, type ProfileColumns } from '#identity';
import { PrismaService, idsAfter, idCursor, pageOf } from '#platform';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { visibleTo } from '../../visibility.js';

/** The user's friends, by id. @throws AppError INVALID_DATA (names `cursor`) */
export class ListFriends extends Query<{ items: Profile[]; next_cursor: string | null }> {
  constructor(
    readonly userId: string,
    readonly page: PageQuery,
  ) {
    super();
  }
}

@QueryHandler(ListFriends)
export class ListFriendsHandler implements IQueryHandler<ListFriends> {
  constructor(private readonly prisma: PrismaService) {}

  async execute({ userId, page: { limit, cursor } }: ListFriends) {
    const rows = await this.prisma.$queryRaw<ProfileColumns[]>`
      SELECT u.id, u.name, u.handle, u.avatar, u.is_master AS "isMaster", u.last_seen_at AS "lastSeenAt"
      FROM friends f JOIN users u ON u.id = f.friend_id
      WHERE f.user_id = ${userId}::uuid AND f.friend_id > ${idsAfter(cursor)}::uuid AND ${visibleTo(userId, 'u')}
      ORDER BY f.friend_id LIMIT ${limit + 1}`;
    const { items, next_cursor } = pageOf(rows, limit, idCursor);
    return { items: items.map(toProfile), next_cursor };
  }
}
