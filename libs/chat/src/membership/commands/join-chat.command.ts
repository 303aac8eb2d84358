import type { JoinAck } from '#contracts';
import { PrismaService } from '#platform';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { ReadCursors } from '../../receipts/read-cursors.js';
import { Memberships } from '../membership.js';
import { UNREAD_COUNT } from '../../receipts/unread.js';

/**
 * A device opens a chat: all its messages count as delivered.
 * @throws AppError CHAT_NOT_FOUND, FORBIDDEN, UNAVAILABLE
 */
export class JoinChat extends Command<JoinAck> {
  constructor(
    readonly userId: string,
    readonly chatId: string,
  ) {
    super();
  }
}

@CommandHandler(JoinChat)
export class JoinChatHandler implements ICommandHandler<JoinChat> {
  constructor(
    private readonly memberships: Memberships,
    private readonly cursors: ReadCursors,
    private readonly prisma: PrismaService,
  ) {}

  async execute({ userId, chatId }: JoinChat): Promise<JoinAck> {
    await this.memberships.require(chatId, userId);
    const [chat] = await this.prisma.$queryRaw<{ last_seq: number; unread_count: number }[]>`
      SELECT c.last_seq, ${UNREAD_COUNT} AS unread_count
      FROM chats c JOIN chat_members p ON p.chat_id = c.id AND p.user_id = ${userId}::uuid
      WHERE c.id = ${chatId}::uuid`;
    this.cursors.record(chatId, userId, chat!.last_seq);
    return { status: 'joined', chat_id: chatId, ...chat! };
  }
}
