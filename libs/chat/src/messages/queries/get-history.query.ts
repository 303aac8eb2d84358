import type { HistoryQuery, MessagePage } from '#contracts';
import { Prisma } from '#platform';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { ReadCursors } from '../../receipts/read-cursors.js';
import { Memberships } from '../../membership/membership.js';
import { MessageReader } from '../message-reader.js';

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
    private readonly memberships: Memberships,
    private readonly cursors: ReadCursors,
    private readonly reader: MessageReader,
  ) {}

  async execute({
    userId,
    chatId,
    query: { limit, before_seq, after_seq },
  }: GetHistory): Promise<MessagePage> {
    const membership = await this.memberships.require(chatId, userId, true);
    const { visible_seq, left } = membership;
    const forward = after_seq !== undefined && before_seq === undefined;
    const before = Math.min(before_seq ?? visible_seq + 1, visible_seq + 1);
    const { page, cursors } = await this.reader.page({
      userId,
      chatId,
      ...membership,
      where: Prisma.sql`m.seq > ${after_seq ?? 0} AND m.seq < ${before}`,
      order: forward ? Prisma.sql`m.seq` : Prisma.sql`m.seq DESC`,
      limit,
      cursorAfter: ({ seq }) => String(seq),
    });
    if (!forward) page.items.reverse();
    const newest = page.items.at(-1)?.seq ?? 0;
    const received = cursors.find(({ user_id }) => user_id === userId)?.last_delivered_seq ?? 0;
    if (!left && newest > received) this.cursors.record(chatId, userId, newest);
    return page;
  }
}
