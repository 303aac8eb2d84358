import { PrismaService, logFailure } from '#platform';
import { EventPublisher, userTopic } from '#realtime';
import { Injectable } from '@nestjs/common';
import { ChatViews } from './chat-views.js';

/** Publishes the state of a chat to its members. */
@Injectable()
export class ChatUpdatePublisher {
  constructor(
    private readonly prisma: PrismaService,
    private readonly views: ChatViews,
    private readonly publisher: EventPublisher,
  ) {}

  /**
   * Shows direct chats with their first message to members who have not opened them. The message is published after
   * this. After a failure, `sync` returns the chat. Nothing is written: a chat with a message is in everybody's list.
   */
  async introduce(chatIds: string[]): Promise<void> {
    try {
      const unaware = await this.prisma.$queryRaw<{ chat_id: string; user_id: string }[]>`
        SELECT chat_id, user_id FROM chat_members WHERE chat_id = ANY(${chatIds}::uuid[]) AND NOT opened`;
      const asked = unaware.map(({ chat_id, user_id }) => ({ userId: user_id, chatId: chat_id }));
      for (const { userId, chat } of await this.views.ofEach(asked))
        this.publisher.publish(userTopic(userId), 'chat:created', chat);
    } catch (err) {
      logFailure('publishing new direct chats failed')(err);
    }
  }

  /** Publishes `chat:created` to new members, as each sees the chat: members with equal views share a frame. */
  async publishCreated(chatId: string, userIds: string[]): Promise<void> {
    for await (const { chat, userIds: alike } of this.views.ofMembers(chatId, userIds))
      this.publisher.publish(alike.map(userTopic), 'chat:created', chat);
  }

  /**
   * Notifies all members of a changed chat; members in `added` receive `chat:created` instead. Each node reads the chat
   * for its own devices, so a large group costs nothing on nodes without them.
   */
  async publish(chatId: string, added: string[] = []): Promise<void> {
    if (added.length > 0) await this.publishCreated(chatId, added);
    this.publisher.signal('chatChanged', { chatId, onlyUserIds: [], exceptUserIds: added });
  }
}
