import { MAX_PINS, type MessageDto } from '#contracts';
import { PrismaService } from '#platform';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { Memberships } from '../membership.js';
import { messageColumns, toMessage, type MessageRow } from '../message-wire.js';
import { marksOf, statusFrom, uuid, type Mark } from '../shown-marks.js';

/**
 * What is pinned in a chat, the newest pin first.
 * @throws AppError CHAT_NOT_FOUND, FORBIDDEN
 */
export class ListPins extends Query<MessageDto[]> {
  constructor(
    readonly userId: string,
    readonly chatId: string,
  ) {
    super();
  }
}

@QueryHandler(ListPins)
export class ListPinsHandler implements IQueryHandler<ListPins> {
  constructor(
    private readonly prisma: PrismaService,
    private readonly memberships: Memberships,
  ) {}

  async execute({ userId, chatId }: ListPins): Promise<MessageDto[]> {
    await this.memberships.require(chatId, userId);
    const [rows, members] = await Promise.all([
      this.prisma.$queryRaw<MessageRow[]>`
        SELECT ${messageColumns(uuid(userId))} FROM messages m JOIN users u ON u.id = m.sender_id
        WHERE m.chat_id = ${chatId}::uuid AND m.pinned_at IS NOT NULL
        ORDER BY m.pinned_at DESC LIMIT ${MAX_PINS}`,
      this.prisma.$queryRaw<Mark[]>`${marksOf(chatId, userId)}`,
    ]);
    const status = statusFrom(members);
    return rows.map((row) => toMessage(row, status(row)));
  }
}
