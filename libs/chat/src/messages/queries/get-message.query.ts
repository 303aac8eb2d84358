import type { MessageDto } from '#contracts';
import { PrismaService } from '#platform';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { Memberships, notMember, noSuchMessage } from '../../membership/membership.js';
import { asLeft, messageColumns, toMessage, type MessageRow } from '../message-wire.js';
import { shownCursorsOf, statusFrom, uuid, type ShownCursors } from '../../receipts/shown-cursors.js';

/**
 * One message, deleted or not. A former member finds messages up to the end of the membership, as they were then.
 * @throws AppError NOT_FOUND, FORBIDDEN
 */
export class GetMessage extends Query<MessageDto> {
  constructor(
    readonly userId: string,
    readonly messageId: string,
  ) {
    super();
  }
}

@QueryHandler(GetMessage)
export class GetMessageHandler implements IQueryHandler<GetMessage> {
  constructor(
    private readonly prisma: PrismaService,
    private readonly memberships: Memberships,
  ) {}

  async execute({ userId, messageId }: GetMessage): Promise<MessageDto> {
    const [row] = await this.prisma.$queryRaw<MessageRow[]>`
      SELECT ${messageColumns(uuid(userId))} FROM messages m JOIN users u ON u.id = m.sender_id
      WHERE m.id = ${messageId}::uuid`;
    if (!row) throw noSuchMessage();
    const { visible_seq, left, left_change_seq } = await this.memberships.require(row.chat_id, userId, true);
    if (row.seq > visible_seq) throw notMember();
    const cursors = await this.prisma.$queryRaw<ShownCursors[]>`${shownCursorsOf(row.chat_id, userId)}`;
    return toMessage(asLeft(row, left_change_seq), statusFrom(left ? [] : cursors)(row));
  }
}
