import type { PageQuery, ParticipantPage } from '#contracts';
import { PrismaService, decodeCursor, encodeCursor } from '#platform';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { ChatViews, participantColumns, type ParticipantRow } from '../../conversations/chat-views.js';
import { uuid } from '../../receipts/shown-cursors.js';
import { Memberships } from '../membership.js';

/** @throws AppError CHAT_NOT_FOUND, FORBIDDEN */
export class ListMembers extends Query<ParticipantPage> {
  constructor(
    readonly userId: string,
    readonly chatId: string,
    readonly page: PageQuery,
  ) {
    super();
  }
}

@QueryHandler(ListMembers)
export class ListMembersHandler implements IQueryHandler<ListMembers> {
  constructor(
    private readonly prisma: PrismaService,
    private readonly memberships: Memberships,
    private readonly views: ChatViews,
  ) {}

  async execute({ userId, chatId, page: { limit, cursor } }: ListMembers): Promise<ParticipantPage> {
    await this.memberships.require(chatId, userId);
    const [after] = cursor ? decodeCursor(cursor, 'id') : [''];
    const rows = await this.prisma.$queryRaw<ParticipantRow[]>`
      SELECT ${participantColumns(uuid(userId))} FROM chat_members p JOIN users u ON u.id = p.user_id
      WHERE p.chat_id = ${chatId}::uuid AND p.left_at IS NULL AND p.user_id::text > ${after}
      ORDER BY p.user_id::text LIMIT ${limit + 1}`;
    const page = rows.slice(0, limit);
    const items = (await this.views.participants(page)).map(({ chat_id: _, ...participant }) => participant);
    return { items, next_cursor: rows.length > limit ? encodeCursor([items.at(-1)!.id]) : null };
  }
}
