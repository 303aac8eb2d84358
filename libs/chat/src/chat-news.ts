import { userRoom } from '#contracts';
import { RealtimeEmitter } from '#platform';
import { Injectable } from '@nestjs/common';
import { ChatViews } from './chat-views.js';

/** Tells all members of a chat how it is now. */
@Injectable()
export class ChatNews {
  constructor(
    private readonly views: ChatViews,
    private readonly emitter: RealtimeEmitter,
  ) {}

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
