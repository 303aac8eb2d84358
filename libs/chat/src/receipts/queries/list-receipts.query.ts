import { AppError, type PageQuery, type ReceiptPage } from '#contracts';
import { hiddenFrom } from '#identity';
import { Prisma, PrismaService, idCursor, idsAfter, pageOf } from '#platform';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { Memberships } from '../../membership/membership.js';
import { shownCursors, uuid } from '../shown-cursors.js';

/**
 * The other members who have received and read a message of the user.
 * @throws AppError CHAT_NOT_FOUND, FORBIDDEN (also for another user's message), NOT_FOUND
 */
export class ListReceipts extends Query<ReceiptPage> {
  constructor(
    readonly userId: string,
    readonly chatId: string,
    readonly messageId: string,
    readonly page: PageQuery,
  ) {
    super();
  }
}

@QueryHandler(ListReceipts)
export class ListReceiptsHandler implements IQueryHandler<ListReceipts> {
  constructor(
    private readonly prisma: PrismaService,
    private readonly memberships: Memberships,
  ) {}

  async execute({ userId, chatId, messageId, page: { limit, cursor } }: ListReceipts): Promise<ReceiptPage> {
    await this.memberships.require(chatId, userId);
    const message = await this.prisma.message.findFirst({
      where: { id: messageId, chatId },
      select: { seq: true, senderId: true },
    });
    if (!message) throw new AppError('NOT_FOUND', 'No such message in this chat');
    if (message.senderId !== userId)
      throw new AppError('FORBIDDEN', 'Only the sender may see who has read a message');
    const { read, delivered, areShown } = shownCursors(uuid(userId));
    const rows = await this.prisma.$queryRaw<ReceiptPage['items']>`
      SELECT u.id AS user_id, COALESCE(${hiddenFrom(uuid(userId), Prisma.raw('ARRAY[u.id]'))}->u.id::text->>'name', u.name) AS name,
        CASE WHEN NOT ${areShown} THEN 'sent' WHEN ${read} >= ${message.seq} THEN 'read'
             WHEN ${delivered} >= ${message.seq} THEN 'delivered' ELSE 'sent' END AS status
      FROM chat_members p JOIN users u ON u.id = p.user_id
      WHERE p.chat_id = ${chatId}::uuid AND p.left_at IS NULL AND p.user_id <> ${message.senderId}::uuid
        AND p.user_id > ${idsAfter(cursor)}::uuid
      ORDER BY p.user_id LIMIT ${limit + 1}`;
    return pageOf(rows, limit, ({ user_id }) => idCursor({ id: user_id }));
  }
}
