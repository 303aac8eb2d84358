import type { ChatDto } from '#contracts';
import { PrismaService, type Prisma } from '#platform';
import { EventPublisher } from '#realtime';
import { Injectable } from '@nestjs/common';
import { ChatViews } from '../conversations/chat-views.js';
import { Memberships, notMember } from './membership.js';

/** A member's own settings of a chat: they do not change the chat, and no other user is notified. */
@Injectable()
export class MemberSettings {
  constructor(
    private readonly prisma: PrismaService,
    private readonly memberships: Memberships,
    private readonly views: ChatViews,
    private readonly publisher: EventPublisher,
  ) {}

  /**
   * Sets a column of the membership; an equal value changes nothing.
   * @param exceptConnection the device that set it: only the user's other devices receive the event
   * @throws AppError CHAT_NOT_FOUND, FORBIDDEN
   */
  async set(
    chatId: string,
    userId: string,
    setting: { assignment: Prisma.Sql; unless: Prisma.Sql },
    exceptConnection?: string,
  ): Promise<ChatDto> {
    await this.memberships.require(chatId, userId);
    const changed = await this.prisma.$executeRaw`
      UPDATE chat_members SET ${setting.assignment}, changed_xid = pg_current_xact_id()
      WHERE chat_id = ${chatId}::uuid AND user_id = ${userId}::uuid AND left_at IS NULL AND NOT (${setting.unless})`;
    const [chat] = await this.views.of(userId, chatId);
    if (!chat) throw notMember();
    if (changed > 0)
      this.publisher.signal('chatChanged', {
        chatId,
        onlyUserIds: [userId],
        exceptUserIds: [],
        exceptConnection,
      });
    return chat;
  }
}
