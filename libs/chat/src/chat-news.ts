import { userRoom } from '#contracts';
import { PrismaService, RealtimeEmitter, logger } from '#platform';
import { Injectable } from '@nestjs/common';
import { ChatViews } from './chat-views.js';

/** Tells all members of a chat how it is now. */
@Injectable()
export class ChatNews {
  constructor(
    private readonly prisma: PrismaService,
    private readonly views: ChatViews,
    private readonly emitter: RealtimeEmitter,
  ) {}

  /**
   * Direct chats in which the first word was said, for those who had not opened them. To be told before that message; what
   * cannot be told is found by `sync`.
   */
  async introduce(chatIds: string[]): Promise<void> {
    if (chatIds.length === 0) return;
    try {
      const unaware = await this.prisma.$queryRaw<{ chat_id: string; user_id: string }[]>`
        UPDATE chat_members SET opened = true WHERE chat_id = ANY(${chatIds}::uuid[]) AND NOT opened
        RETURNING chat_id, user_id`;
      await Promise.all(
        unaware.map(async ({ chat_id, user_id }) => {
          const [chat] = await this.views.of(user_id, chat_id);
          if (chat) this.emitter.toUser(user_id, 'chat:created', chat);
        }),
      );
    } catch (err) {
      logger.warn({ err: (err as Error).message }, 'first messages not introduced');
    }
  }

  /**
   * Each member's own view, with their own unread count; `chat:created` to those who are new. Whoever sees the chat
   * alike shares a frame, and which of them have a device is for the nodes that hold the sockets to know.
   */
  async tell(chatId: string, added: string[] = []): Promise<void> {
    const isNew = new Set(added);
    for (const { chat, userIds } of await this.views.ofMembers(chatId)) {
      const created = userIds.filter((id) => isNew.has(id));
      const updated = userIds.filter((id) => !isNew.has(id));
      // Named no room, it would go to everybody there is.
      if (created.length > 0) this.emitter.toRooms(created.map(userRoom), 'chat:created', chat);
      if (updated.length > 0) this.emitter.toRooms(updated.map(userRoom), 'chat:updated', chat);
    }
  }
}
