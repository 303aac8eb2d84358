import type { MessagePage, SearchQuery } from '#contracts';
import { PrismaService, decodeCursor, encodeCursor } from '#platform';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { Memberships } from '../membership.js';
import { MESSAGE_COLUMNS, statusFrom, toMessage, type MessageRow } from '../message-wire.js';
import { marksOf, type Mark } from '../shown-marks.js';

/** How many messages one call looks through: the work of a search is bounded, its reach is not. */
const WINDOW = 10_000;

/**
 * Messages of one chat that contain the text, in any case, newest first. A page may be short, even empty, and
 * still have a `next_cursor`: there is more to look through.
 * @throws AppError CHAT_NOT_FOUND, FORBIDDEN
 */
export class SearchMessages extends Query<MessagePage> {
  constructor(
    readonly userId: string,
    readonly chatId: string,
    readonly search: SearchQuery,
  ) {
    super();
  }
}

@QueryHandler(SearchMessages)
export class SearchMessagesHandler implements IQueryHandler<SearchMessages> {
  constructor(
    private readonly prisma: PrismaService,
    private readonly memberships: Memberships,
  ) {}

  async execute({ userId, chatId, search: { query, limit, cursor } }: SearchMessages): Promise<MessagePage> {
    const { visible_seq } = await this.memberships.require(chatId, userId, true);
    const [from] = cursor ? decodeCursor(cursor, 'number') : [visible_seq + 1];
    const before = Math.min(Math.max(Math.trunc(from), 0), visible_seq + 1);
    const pattern = `%${query.replace(/[\\%_]/g, '\\$&')}%`;
    const [rows, members] = await Promise.all([
      this.prisma.$queryRaw<MessageRow[]>`
        SELECT ${MESSAGE_COLUMNS} FROM messages m JOIN users u ON u.id = m.sender_id
        WHERE m.chat_id = ${chatId}::uuid AND m.seq < ${before} AND m.seq >= ${before - WINDOW}
          AND m.deleted_at IS NULL AND m.content ILIKE ${pattern}
        ORDER BY m.seq DESC LIMIT ${limit}`,
      this.prisma.$queryRaw<Mark[]>`${marksOf(chatId, userId)}`,
    ]);
    const status = statusFrom(members);
    const next = rows.length === limit ? rows.at(-1)!.seq : before - WINDOW;
    return {
      items: rows.map((row) => toMessage(row, status(row))),
      next_cursor: next > 1 ? encodeCursor([next]) : null,
    };
  }
}
