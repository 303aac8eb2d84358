import type { ChangeDto, ChangePage, ChangesQuery } from '#contracts';
import { LargePages, Prisma, PrismaService, withinPage } from '#platform';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { Memberships } from '../../membership/membership.js';
import { bytesOf, hasMore, messagesOfPage, toMessage, type PageRow } from '../message-wire.js';
import { shownCursorsOf, statusFrom, uuid, type ShownCursors } from '../../receipts/shown-cursors.js';

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
    private readonly prisma: PrismaService,
    private readonly memberships: Memberships,
    private readonly large: LargePages,
  ) {}

  async execute({
    userId,
    chatId,
    query: { after_change_seq: after, limit },
  }: GetChanges): Promise<ChangePage> {
    await this.memberships.require(chatId, userId);
    // One snapshot for both: the next page would skip a change between two reads.
    const [messages, members] = await this.large.read(
      userId,
      (bytes) =>
        this.prisma.$transaction(
          [
            this.prisma.$queryRaw<PageRow[]>`${messagesOfPage(
              uuid(userId),
              Prisma.sql`m.chat_id = ${chatId}::uuid AND m.change_seq > ${after} AND m.change_seq > 0`,
              Prisma.sql`m.change_seq`,
              limit,
              bytes,
            )}`,
            this.prisma.$queryRaw<ShownCursors[]>`${shownCursorsOf(chatId, userId)}`,
          ],
          { isolationLevel: 'RepeatableRead' },
        ),
      ([messages]) => bytesOf(messages),
    );
    const status = statusFrom(members);
    const more = hasMore(messages, limit);
    // Read cursors after a message that was not read follow on the next page.
    const upto = more ? messages.at(-1)!.change_seq : Infinity;
    const changes: ChangeDto[] = [
      ...messages.map((row) => ({
        change_seq: row.change_seq,
        kind: 'message' as const,
        message: toMessage(row, status(row)),
        marks: null,
      })),
      ...members
        .filter(({ change_seq }) => change_seq > after && change_seq <= upto)
        .map(({ change_seq, ...marks }) => ({ change_seq, kind: 'marks' as const, message: null, marks })),
    ].sort((a, b) => a.change_seq - b.change_seq);
    const items = changes.slice(0, limit);
    return withinPage(
      { items, next_cursor: more || changes.length > limit ? String(items.at(-1)!.change_seq) : null },
      ({ change_seq }) => String(change_seq),
    );
  }
}
