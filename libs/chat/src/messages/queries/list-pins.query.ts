import { MAX_PINS, type MessagePage } from '#contracts';
import { Prisma, decodeCursor, encodeCursor } from '#platform';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { Memberships } from '../../membership/membership.js';
import { MessageReader } from '../message-reader.js';

/**
 * The pinned messages of a chat, newest pin first.
 * @throws AppError CHAT_NOT_FOUND, FORBIDDEN, INVALID_DATA
 */
export class ListPins extends Query<MessagePage> {
  constructor(
    readonly userId: string,
    readonly chatId: string,
    readonly cursor?: string,
  ) {
    super();
  }
}

@QueryHandler(ListPins)
export class ListPinsHandler implements IQueryHandler<ListPins> {
  constructor(
    private readonly memberships: Memberships,
    private readonly reader: MessageReader,
  ) {}

  async execute({ userId, chatId, cursor }: ListPins): Promise<MessagePage> {
    // No two pins of a chat have the same time.
    const [before = 8e15] = decodeCursor(cursor, 'number');
    await this.memberships.require(chatId, userId);
    const { page } = await this.reader.page({
      userId,
      chatId,
      where: Prisma.sql`m.pinned_at < to_timestamp(${before}::float8 / 1000)`,
      order: Prisma.sql`m.pinned_at DESC`,
      limit: MAX_PINS,
      cursorAfter: ({ pinned_at }) => encodeCursor([Date.parse(pinned_at!)]),
    });
    return page;
  }
}
