import type { HistoryQuery, MessagePage } from '#contracts';
import { LargePages, Prisma, PrismaService, withinPage } from '#platform';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { ReadCursors } from '../../receipts/read-cursors.js';
import { Memberships } from '../../membership/membership.js';
import { asLeft, bytesOf, hasMore, messagesOfPage, toMessage, type PageRow } from '../message-wire.js';
import { shownCursorsOf, statusFrom, uuid, type ShownCursors } from '../../receipts/shown-cursors.js';

/**
 * A page of a chat, ascending by seq: the newest messages, those before a number, or those after one. Loaded messages
 * count as delivered. A former member sees the messages as of the end of their membership. `next_cursor` is the next
 * `before_seq`, or `after_seq` when that was given.
 * @throws AppError CHAT_NOT_FOUND, FORBIDDEN
 */
export class GetHistory extends Query<MessagePage> {
  constructor(
    readonly userId: string,
    readonly chatId: string,
    readonly query: HistoryQuery,
  ) {
    super();
  }
}

@QueryHandler(GetHistory)
export class GetHistoryHandler implements IQueryHandler<GetHistory> {
  constructor(
    private readonly prisma: PrismaService,
    private readonly memberships: Memberships,
    private readonly cursors: ReadCursors,
    private readonly large: LargePages,
  ) {}

  async execute({
    userId,
    chatId,
    query: { limit, before_seq, after_seq },
  }: GetHistory): Promise<MessagePage> {
    const { visible_seq, left, left_change_seq } = await this.memberships.require(chatId, userId, true);
    const forward = after_seq !== undefined && before_seq === undefined;
    const before = Math.min(before_seq ?? visible_seq + 1, visible_seq + 1);
    const [rows, members] = await Promise.all([
      this.large.read(
        userId,
        (bytes) =>
          this.prisma.$queryRaw<PageRow[]>`${messagesOfPage(
            uuid(userId),
            Prisma.sql`m.chat_id = ${chatId}::uuid AND m.seq > ${after_seq ?? 0} AND m.seq < ${before}`,
            forward ? Prisma.sql`m.seq` : Prisma.sql`m.seq DESC`,
            limit,
            bytes,
          )}`,
        bytesOf,
      ),
      this.prisma.$queryRaw<ShownCursors[]>`${shownCursorsOf(chatId, userId)}`,
    ]);
    const status = statusFrom(left ? [] : members);
    const shown = rows.slice(0, limit);
    const end = hasMore(rows, limit) ? shown.at(-1) : undefined;
    const page = withinPage(
      {
        items: shown.map((row) => toMessage(asLeft(row, left_change_seq), status(row))),
        next_cursor: end ? String(end.seq) : null,
      },
      ({ seq }) => String(seq),
    );
    if (!forward) page.items.reverse();
    const newest = page.items.at(-1)?.seq ?? 0;
    const received = members.find((m) => m.user_id === userId)?.last_delivered_seq ?? 0;
    if (!left && newest > received) this.cursors.record(chatId, userId, newest);
    return page;
  }
}
