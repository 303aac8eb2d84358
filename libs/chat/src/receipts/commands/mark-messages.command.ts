import { AppError, type ReadAck, type ReceiptPayload } from '#contracts';
import { PrismaService } from '#platform';
import { EventPublisher, userTopic } from '#realtime';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { ReadCursors } from '../read-cursors.js';
import { notFound, notMember } from '../../membership/membership.js';

/**
 * Moves the user's read or delivered cursor to a message. A cursor never moves back.
 * @throws AppError CHAT_NOT_FOUND, FORBIDDEN, NOT_FOUND (when the chat has no such message), UNAVAILABLE
 */
export class MarkMessages extends Command<ReadAck> {
  constructor(
    readonly userId: string,
    readonly kind: 'delivered' | 'read',
    readonly payload: ReceiptPayload,
    /** The device that read: only the user's other devices receive the event. */
    readonly socketId?: string,
  ) {
    super();
  }
}

@CommandHandler(MarkMessages)
export class MarkMessagesHandler implements ICommandHandler<MarkMessages> {
  constructor(
    private readonly prisma: PrismaService,
    private readonly cursors: ReadCursors,
    private readonly publisher: EventPublisher,
  ) {}

  async execute({ userId, kind, payload, socketId }: MarkMessages): Promise<ReadAck> {
    const { chat_id: chatId, message_id: messageId } = payload;
    const [found] = await this.prisma.$queryRaw<{ member: boolean; seq: number | null }[]>`
      SELECT p.user_id IS NOT NULL AS member, m.seq FROM chats c
      LEFT JOIN chat_members p ON p.chat_id = c.id AND p.user_id = ${userId}::uuid AND p.left_at IS NULL
      LEFT JOIN messages m ON m.id = ${messageId}::uuid AND m.chat_id = c.id
      WHERE c.id = ${chatId}::uuid`;
    if (!found) throw notFound();
    if (!found.member) throw notMember();
    if (found.seq === null) throw new AppError('NOT_FOUND', 'No such message in this chat');
    const advanced = await this.cursors.advance({ chatId, userId, kind, seq: found.seq });
    const unread_count = advanced.unread_count ?? 0;
    if (kind === 'read' && advanced.new_read > advanced.old_read) {
      const read = { chat_id: chatId, last_read_seq: advanced.new_read, unread_count };
      this.publisher.publish(userTopic(userId), 'chat:read', read, { exceptConnection: socketId });
    }
    const readAt = advanced.last_read_at ?? new Date();
    return { status: 'ok', read_at: readAt.toISOString(), unread_count };
  }
}
