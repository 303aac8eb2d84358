import type { FriendRequestPage, FriendRequestQuery } from '#contracts';
import { Prisma, PrismaService, idsBefore, idCursor, pageOf } from '#platform';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { FRIEND_REQUESTS, toFriendRequest, type FriendRequestRow } from '../friend-requests.js';
import { visibleTo } from '../../visibility.js';

/** Open friend requests to the user, or from the user, newest first. @throws AppError INVALID_DATA (names `cursor`) */
export class ListFriendRequests extends Query<FriendRequestPage> {
  constructor(
    readonly userId: string,
    readonly query: FriendRequestQuery,
  ) {
    super();
  }
}

@QueryHandler(ListFriendRequests)
export class ListFriendRequestsHandler implements IQueryHandler<ListFriendRequests> {
  constructor(private readonly prisma: PrismaService) {}

  async execute({
    userId,
    query: { limit, cursor, direction },
  }: ListFriendRequests): Promise<FriendRequestPage> {
    const [mine, people] = direction === 'incoming' ? ['to_id', 'asker'] : ['from_id', 'asked'];
    const rows = await this.prisma.$queryRaw<FriendRequestRow[]>`
      ${FRIEND_REQUESTS}
      WHERE r.${Prisma.raw(mine)} = ${userId}::uuid AND r.status = 'pending' AND r.id < ${idsBefore(cursor)}::uuid
        AND ${visibleTo(userId, people)}
      ORDER BY r.id DESC LIMIT ${limit + 1}`;
    const { items, next_cursor } = pageOf(rows, limit, idCursor);
    return { items: items.map(toFriendRequest), next_cursor };
  }
}
