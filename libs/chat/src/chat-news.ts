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
   * Shows direct chats that have their first message to those who have not opened them. The message is emitted after this.
   * `sync` finds what this cannot tell. It writes nothing: with a message, a chat is in everybody's list.
   */
  async introduce(chatIds: string[]): Promise<void> {
    try {
      const unaware = await this.prisma.$queryRaw<{ chat_id: string; user_id: string }[]>`
        SELECT chat_id, user_id FROM chat_members WHERE chat_id = ANY(${chatIds}::uuid[]) AND NOT opened`;
      const asked = unaware.map(({ chat_id, user_id }) => ({ userId: user_id, chatId: chat_id }));
      for (const { userId, chat } of await this.views.ofEach(asked))
        this.emitter.toUser(userId, 'chat:created', chat);
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
