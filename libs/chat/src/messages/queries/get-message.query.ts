import type { MessageDto } from '#contracts';
import { PrismaService } from '#platform';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { Memberships, notMember, noSuchMessage } from '../../membership/membership.js';
import { MessageReader } from '../message-reader.js';
import { messageColumns, type MessageRow } from '../message-wire.js';
import { uuid } from '../../receipts/shown-cursors.js';

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
    private readonly reader: MessageReader,
  ) {}

  async execute({ userId, messageId }: GetMessage): Promise<MessageDto> {
    const [row] = await this.prisma.$queryRaw<MessageRow[]>`
      SELECT ${messageColumns(uuid(userId))} FROM messages m JOIN users u ON u.id = m.sender_id
      WHERE m.id = ${messageId}::uuid`;
    if (!row) throw noSuchMessage();
    const chatId = row.chat_id;
    const membership = await this.memberships.require(chatId, userId, true);
    if (row.seq > membership.visible_seq) throw notMember();
    const [message] = await this.reader.present({ userId, chatId, ...membership }, [row]);
    return message!;
  }
}
