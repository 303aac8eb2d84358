import type { FriendRequestPage, PageQuery } from '#contracts';
import { PrismaService, idsBefore, pageOf } from '#platform';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { FRIEND_REQUESTS, toFriendRequest, type FriendRequestRow } from '../friend-requests.js';
import { inSightOf } from '../people.js';

/** Requests to oneself that wait for an answer, newest first. @throws AppError INVALID_DATA (cursor) */
export class ListFriendRequests extends Query<FriendRequestPage> {
  constructor(
    readonly userId: string,
    readonly page: PageQuery,
  ) {
    super();
  }
}

@QueryHandler(ListFriendRequests)
export class ListFriendRequestsHandler implements IQueryHandler<ListFriendRequests> {
  constructor(private readonly prisma: PrismaService) {}

  async execute({ userId, page: { limit, cursor } }: ListFriendRequests): Promise<FriendRequestPage> {
    const rows = await this.prisma.$queryRaw<FriendRequestRow[]>`
      ${FRIEND_REQUESTS}
      WHERE r.to_id = ${userId}::uuid AND r.status = 'pending' AND r.id < ${idsBefore(cursor)}::uuid
        AND ${inSightOf(userId, 'asker')}
      ORDER BY r.id DESC LIMIT ${limit + 1}`;
    const { items, next_cursor } = pageOf(rows, limit);
    return { items: items.map(toFriendRequest), next_cursor };
  }
}
