import type { ChangeDto, ChangePage, ChangesQuery } from '#contracts';
import { Prisma, withinPage } from '#platform';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { Memberships } from '../../membership/membership.js';
import { MessageReader } from '../message-reader.js';

/**
 * Everything that changed in a chat after a change number, in its latest state: edited, deleted or pinned messages,
 * reactions, and members' read cursors. `next_cursor` is the next `after_change_seq`.
 * @throws AppError CHAT_NOT_FOUND, FORBIDDEN
 */
export class GetChanges extends Query<ChangePage> {
  constructor(
    readonly userId: string,
    readonly chatId: string,
    readonly query: ChangesQuery,
  ) {
    super();
  }
}

@QueryHandler(GetChanges)
export class GetChangesHandler implements IQueryHandler<GetChanges> {
  constructor(
    private readonly memberships: Memberships,
    private readonly reader: MessageReader,
  ) {}

  async execute({
    userId,
    chatId,
    query: { after_change_seq: after, limit },
  }: GetChanges): Promise<ChangePage> {
    await this.memberships.require(chatId, userId);
    const { page, cursors } = await this.reader.page({
      userId,
      chatId,
      where: Prisma.sql`m.change_seq > ${after} AND m.change_seq > 0`,
      order: Prisma.sql`m.change_seq`,
      limit,
      cursorAfter,
      // The next page would skip a change between two reads.
      asOfOneMoment: true,
    });
    const more = page.next_cursor !== null;
    // Read cursors after a message that was not read follow on the next page.
    const upto = more ? page.items.at(-1)!.change_seq : Infinity;
    const changes: ChangeDto[] = [
      ...page.items.map((message) => ({
        change_seq: message.change_seq,
        kind: 'message' as const,
        message,
        marks: null,
      })),
      ...cursors
        .filter(({ change_seq }) => change_seq > after && change_seq <= upto)
        .map(({ change_seq, ...marks }) => ({ change_seq, kind: 'marks' as const, message: null, marks })),
    ].sort((a, b) => a.change_seq - b.change_seq);
    const items = changes.slice(0, limit);
    const next_cursor = more || changes.length > limit ? cursorAfter(items.at(-1)!) : null;
    return withinPage({ items, next_cursor }, cursorAfter);
  }
}

const cursorAfter = ({ change_seq }: { change_seq: number }): string => String(change_seq);
