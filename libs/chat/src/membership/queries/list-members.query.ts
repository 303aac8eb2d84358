import type { PageQuery, ParticipantPage } from '#contracts';
import { PrismaService, idsAfter, idCursor, pageOf } from '#platform';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { ChatViews } from '../../conversations/chat-views.js';
import { participantColumns, type ParticipantRow } from '../../conversations/chat-views.sql.js';
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
    const rows = await this.prisma.$queryRaw<ParticipantRow[]>`
      SELECT ${participantColumns(uuid(userId))} FROM chat_members p JOIN users u ON u.id = p.user_id
      WHERE p.chat_id = ${chatId}::uuid AND p.left_at IS NULL AND p.user_id > ${idsAfter(cursor)}::uuid
      ORDER BY p.user_id LIMIT ${limit + 1}`;
    const page = pageOf(rows, limit, idCursor);
    const participants = await this.views.participants(page.items);
    return { ...page, items: participants.map(({ chat_id: _, ...participant }) => participant) };
  }
}
