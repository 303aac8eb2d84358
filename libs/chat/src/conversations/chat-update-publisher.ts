import { PrismaService, RealtimeEmitter, logger, userRoom } from '#platform';
import { Injectable } from '@nestjs/common';
import { ChatViews } from './chat-views.js';

/** Tells the members of a chat how it is now. */
@Injectable()
export class ChatUpdatePublisher {
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
      logger.warn({ err: (err as Error).message }, 'publishing new direct chats failed');
    }
  }

  /** `chat:created` to members who are new, as each sees the chat: those who see it alike share a frame. */
  async publishCreated(chatId: string, userIds: string[]): Promise<void> {
    for (const { chat, userIds: alike } of await this.views.ofMembers(chatId, userIds))
      this.emitter.toRooms(alike.map(userRoom), 'chat:created', chat);
  }

  /**
   * Tells all members that the chat has changed; those who were `added` are welcomed instead. The nodes that hold their sockets
   * look at the chat and show it, so that a large group costs nothing where nobody of it is connected.
   */
  async publish(chatId: string, added: string[] = []): Promise<void> {
    if (added.length > 0) await this.publishCreated(chatId, added);
    this.emitter.chatChanged(chatId, added);
  }
}
