import { MAX_PINS, type MessageDto, type MessagePage } from '#contracts';
import { LargePages, Prisma, PrismaService, decodeCursor, encodeCursor, withinPage } from '#platform';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { Memberships } from '../../membership/membership.js';
import { bytesOf, hasMore, messagesOfPage, toMessage, type PageRow } from '../message-wire.js';
import { shownCursorsOf, statusFrom, uuid, type ShownCursors } from '../../receipts/shown-cursors.js';

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
    private readonly prisma: PrismaService,
    private readonly memberships: Memberships,
    private readonly large: LargePages,
  ) {}

  async execute({ userId, chatId, cursor }: ListPins): Promise<MessagePage> {
    // No two pins of a chat have the same time.
    const [before] = cursor ? decodeCursor(cursor, 'number') : [8e15];
    await this.memberships.require(chatId, userId);
    const [rows, members] = await Promise.all([
      this.large.read(
        userId,
        (bytes) =>
          this.prisma.$queryRaw<PageRow[]>`${messagesOfPage(
            uuid(userId),
            Prisma.sql`m.chat_id = ${chatId}::uuid AND m.pinned_at < to_timestamp(${before}::float8 / 1000)`,
            Prisma.sql`m.pinned_at DESC`,
            MAX_PINS,
            bytes,
          )}`,
        bytesOf,
      ),
      this.prisma.$queryRaw<ShownCursors[]>`${shownCursorsOf(chatId, userId)}`,
    ]);
    const status = statusFrom(members);
    const cursorAfter = ({ pinned_at }: Pick<MessageDto, 'pinned_at'>) =>
      encodeCursor([Date.parse(pinned_at!)]);
    const items = rows.slice(0, MAX_PINS).map((row) => toMessage(row, status(row)));
    return withinPage(
      { items, next_cursor: hasMore(rows, MAX_PINS) ? cursorAfter(items.at(-1)!) : null },
      cursorAfter,
    );
  }
}
