import type { ChatDto } from '#contracts';
import { RETRY_MS, WORK, logFailure } from '#platform';
import { EventPublisher, userTopic } from '#realtime';
import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { ChatViews } from '../conversations/chat-views.js';

const { atLeast: LEAST_REST_MS, ofDevice: REST_OF_DEVICE_MS } = WORK.ownChatUpdates.most;

/** A user who was shown a chat recently. */
interface Resting {
  /** The chats that are due. Each with the device that changed it, if only one did: that one has the answer already. */
  due: Map<string, string | undefined>;
  timer?: NodeJS.Timeout;
}

/**
 * Shows a chat with a user's own changed settings to the user's other devices (`chat:updated`). The first change is
 * shown at once. Then the user rests: a whole chat to many devices is much to write, and a user has many chats. Later
 * changes are shown one chat after the other, each as the database has it then.
 */
@Injectable()
export class OwnChatUpdates implements OnModuleDestroy {
  private readonly resting = new Map<string, Resting>();

  constructor(
    private readonly views: ChatViews,
    private readonly publisher: EventPublisher,
  ) {}

  onModuleDestroy(): void {
    for (const { timer } of this.resting.values()) clearTimeout(timer);
  }

  /** @param except the device that made the change */
  show(userId: string, chat: ChatDto, except?: string): void {
    const resting = this.resting.get(userId);
    if (resting) {
      const { due } = resting;
      due.set(chat.id, due.has(chat.id) && due.get(chat.id) !== except ? undefined : except);
    } else this.publish(userId, { due: new Map() }, chat, except);
  }

  private publish(userId: string, resting: Resting, chat: ChatDto, except?: string): void {
    this.publisher.publish(userTopic(userId), 'chat:updated', chat, { exceptConnection: except });
    const devices = this.publisher.audience(userTopic(userId));
    this.rest(userId, resting, Math.max(LEAST_REST_MS, devices * REST_OF_DEVICE_MS));
  }

  private rest(userId: string, resting: Resting, ms: number): void {
    this.resting.set(userId, resting);
    resting.timer = setTimeout(() => void this.showNext(userId, resting), ms).unref();
  }

  private async showNext(userId: string, resting: Resting): Promise<void> {
    const [next] = resting.due;
    if (!next) return void this.resting.delete(userId);
    const [chatId, except] = next;
    resting.due.delete(chatId);
    try {
      const [chat] = await this.views.of(userId, chatId);
      if (chat) this.publish(userId, resting, chat, except);
      else await this.showNext(userId, resting);
    } catch (error) {
      logFailure('showing own chat settings failed, retrying')(error);
      resting.due.set(chatId, resting.due.has(chatId) ? undefined : except);
      this.rest(userId, resting, RETRY_MS);
    }
  }
}
