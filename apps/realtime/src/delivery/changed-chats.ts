import { MAX_RECEIPT_MEMBERS } from '#contracts';
import { ChatViews, type SharedView } from '#chat';
import { RETRY_MS, WORK, logger } from '#platform';
import { EventPublisher, Hub, chatTopic, type Connection } from '#realtime';
import { byUserId } from './by-user-id.js';
import { Injectable, type OnModuleDestroy } from '@nestjs/common';

/**
 * Minimum time between two updates of a chat, ms; longer with more than 32 members. Changes meanwhile are shown
 * together.
 */
const { most: REST_MS } = WORK.chatUpdates;
/** Concurrent reads. Large chats take long, so they do not delay small ones. */
const { most: AT_ONCE } = WORK.chatViews;

type Size = keyof typeof REST_MS;

/**
 * Shows changed chats (`chat:updated`) to the members connected to this node, each as they see it. Only a few chats are
 * read at once, and each at a limited rate, so many changes of large groups take one database connection.
 */
@Injectable()
export class ChangedChats implements OnModuleDestroy {
  /** Chats that are due, each with the excluded users. */
  private readonly due = { small: new Map<string, Set<string>>(), large: new Map<string, Set<string>>() };
  private readonly running = { small: new Set<Promise<void>>(), large: new Set<Promise<void>>() };
  /** Chats that are being shown, or were shown recently, with the next change, if any. */
  private readonly resting = new Map<string, { timer?: NodeJS.Timeout; except?: Set<string> }>();
  private isFailing = false;
  private isClosed = false;

  constructor(
    private readonly hub: Hub,
    private readonly views: ChatViews,
    publisher: EventPublisher,
  ) {
    publisher.onSignal('chatChanged', ({ chatId, exceptUserIds }) =>
      this.add(chatId, new Set(exceptUserIds)),
    );
  }

  async onModuleDestroy(): Promise<void> {
    this.isClosed = true;
    for (const { timer } of this.resting.values()) clearTimeout(timer);
    for (const due of Object.values(this.due)) due.clear();
    await Promise.all([...this.running.small, ...this.running.large]);
  }

  private add(chatId: string, except: Set<string>): void {
    if (this.isClosed || this.hub.audience(chatTopic(chatId)) === 0) return;
    const resting = this.resting.get(chatId);
    if (resting) resting.except = both(resting.except, except);
    else {
      const size =
        this.due.large.has(chatId) || !(this.due.small.has(chatId) || this.isSmall(chatId))
          ? 'large'
          : 'small';
      this.due[size].set(chatId, both(this.due[size].get(chatId), except));
      this.start(size);
    }
  }

  /** By the number of devices that receive it. */
  private isSmall(chatId: string): boolean {
    return this.hub.audience(chatTopic(chatId)) <= MAX_RECEIPT_MEMBERS;
  }

  private start(size: Size): void {
    const [due, running] = [this.due[size], this.running[size]];
    for (const [chatId, except] of due) {
      if (running.size >= AT_ONCE[size]) return;
      due.delete(chatId);
      const showing = this.showOnce(chatId, except).finally(() => {
        running.delete(showing);
        this.start(size);
      });
      running.add(showing);
    }
  }

  private async showOnce(chatId: string, except: Set<string>): Promise<void> {
    const resting: { timer?: NodeJS.Timeout } = {};
    this.resting.set(chatId, resting);
    let rest = RETRY_MS;
    try {
      rest = REST_MS[await this.show(chatId, except)];
      this.isFailing = false;
    } catch (err) {
      if (!this.isFailing)
        logger.warn({ err: (err as Error).message }, 'showing changed chats failed, retrying');
      this.isFailing = true;
      this.add(chatId, except);
    }
    if (!this.isClosed) resting.timer = setTimeout(() => this.endRest(chatId), rest).unref();
  }

  private endRest(chatId: string): void {
    const except = this.resting.get(chatId)?.except;
    this.resting.delete(chatId);
    if (except) this.add(chatId, except);
  }

  /** @returns the size of the chat */
  private async show(chatId: string, except: Set<string>): Promise<Size> {
    const devices = this.devicesIn(chatId, except);
    let members = 0;
    if (devices.size > 0)
      for await (const view of this.views.ofMembers(chatId, [...devices.keys()])) {
        this.showView(chatId, view, devices);
        members = view.chat.member_count;
      }
    return members > MAX_RECEIPT_MEMBERS ? 'large' : 'small';
  }

  private showView(chatId: string, { chat, userIds }: SharedView, devices: Map<string, Connection[]>): void {
    const connections = userIds.flatMap((id) => devices.get(id) ?? []);
    this.hub.deliverTo(connections, chatTopic(chatId), { name: 'chat:updated', payload: chat });
  }

  /** By user. */
  private devicesIn(chatId: string, except: Set<string>): Map<string, Connection[]> {
    const connections = [...this.hub.connectionsOf(chatTopic(chatId))].filter(
      ({ userId }) => !except.has(userId),
    );
    return byUserId(connections);
  }
}

/** The users whom both changes exclude. */
const both = (known: Set<string> | undefined, more: Set<string>) =>
  known ? new Set([...known].filter((userId) => more.has(userId))) : more;
