import { MAX_RECEIPT_MEMBERS } from '#contracts';
import { ChatViews } from '#chat';
import { RETRY_MS, WORK, logger } from '#platform';
import { EventPublisher, Hub, chatTopic, userTopic, type Connection, type Signals } from '#realtime';
import { byUserId } from './by-user-id.js';
import { Injectable, type OnModuleDestroy } from '@nestjs/common';

/**
 * Minimum time between two updates of a chat, ms; longer with more than 32 members. Changes meanwhile are shown
 * together.
 */
const { most: REST_MS } = WORK.chatUpdates;
/** A user with more devices rests after each chat, for this time by device. */
const { few: FEW_DEVICES, ofDevice: REST_OF_DEVICE_MS } = WORK.chatsOfUser.most;
/** Concurrent reads. Large chats take long, so they do not delay small ones. */
const { most: AT_ONCE } = WORK.chatViews;

type Size = keyof typeof REST_MS;

/** Who must be shown a chat. Everybody is looked up when the chat is shown. */
type Audience = ReadonlySet<Connection> | 'everybody';

interface RestingChat {
  timer?: NodeJS.Timeout;
  next?: Audience;
}

/** A user whose many devices were shown a chat recently. */
interface RestingUser {
  timer?: NodeJS.Timeout;
  /** The chats that wait, each with the devices. */
  due: Map<string, Audience>;
  /** The chats that wait no more. */
  turns: Set<string>;
}

/**
 * Shows changed chats (`chat:updated`) to devices of this node, each as its user sees them. Only a few chats are read at
 * once, each chat at a limited rate. Many devices of one user receive their chats one after the other. So many changes
 * of large groups take one database connection, and one user causes few frames.
 */
@Injectable()
export class ChangedChats implements OnModuleDestroy {
  private readonly due = { small: new Map<string, Audience>(), large: new Map<string, Audience>() };
  private readonly running = { small: new Set<Promise<void>>(), large: new Set<Promise<void>>() };
  /** Chats that are being shown, or were shown recently. */
  private readonly restingChats = new Map<string, RestingChat>();
  private readonly restingUsers = new Map<string, RestingUser>();
  private isFailing = false;
  private isClosed = false;

  constructor(
    private readonly hub: Hub,
    private readonly views: ChatViews,
    publisher: EventPublisher,
  ) {
    publisher.onSignal('chatChanged', (change) => this.show(change.chatId, this.audienceOf(change)));
  }

  async onModuleDestroy(): Promise<void> {
    this.isClosed = true;
    for (const resting of [this.restingChats, this.restingUsers])
      for (const { timer } of resting.values()) clearTimeout(timer);
    for (const due of Object.values(this.due)) due.clear();
    await Promise.all([...this.running.small, ...this.running.large]);
  }

  show(chatId: string, audience: Audience): void {
    if (this.isClosed || this.devicesIn(chatId, audience).size === 0) return;
    const resting = this.restingChats.get(chatId);
    if (resting) resting.next = this.merged(chatId, resting.next, audience);
    else {
      const { small, large } = this.due;
      const all = this.merged(chatId, small.get(chatId) ?? large.get(chatId), audience);
      const size = this.devicesIn(chatId, all).size > MAX_RECEIPT_MEMBERS ? 'large' : 'small';
      (size === 'large' ? small : large).delete(chatId);
      this.due[size].set(chatId, all);
      this.start(size);
    }
  }

  private audienceOf({
    chatId,
    exceptUserIds,
    onlyUserIds,
    exceptConnection,
  }: Signals['chatChanged']): Audience {
    if (exceptUserIds.length === 0 && onlyUserIds.length === 0) return 'everybody';
    const topics = onlyUserIds.length > 0 ? onlyUserIds.map(userTopic) : [chatTopic(chatId)];
    const devices = topics.flatMap((topic) => [...this.hub.connectionsOf(topic)]);
    const except = new Set(exceptUserIds);
    return new Set(devices.filter(({ id, userId }) => id !== exceptConnection && !except.has(userId)));
  }

  /** Without devices that have left: what waits has at most one entry for each subscription. */
  private merged(chatId: string, known: Audience | undefined, more: Audience): Audience {
    if (known === 'everybody' || more === 'everybody') return 'everybody';
    return this.devicesIn(chatId, new Set([...(known ?? []), ...more]));
  }

  private devicesIn(chatId: string, audience: Audience): ReadonlySet<Connection> {
    const everybody = this.hub.connectionsOf(chatTopic(chatId));
    if (audience === 'everybody') return everybody;
    return new Set([...audience].filter((device) => everybody.has(device)));
  }

  private start(size: Size): void {
    const [due, running] = [this.due[size], this.running[size]];
    for (const [chatId, audience] of due) {
      if (running.size >= AT_ONCE[size]) return;
      due.delete(chatId);
      const showing = this.showOnce(chatId, audience).finally(() => {
        running.delete(showing);
        this.start(size);
      });
      running.add(showing);
    }
  }

  private async showOnce(chatId: string, audience: Audience): Promise<void> {
    const resting: RestingChat = {};
    this.restingChats.set(chatId, resting);
    let rest = RETRY_MS;
    try {
      rest = REST_MS[await this.read(chatId, audience)];
      this.isFailing = false;
    } catch (err) {
      if (!this.isFailing)
        logger.warn({ err: (err as Error).message }, 'showing changed chats failed, retrying');
      this.isFailing = true;
      this.show(chatId, audience);
    }
    if (!this.isClosed) resting.timer = setTimeout(() => this.endRest(chatId, resting), rest).unref();
  }

  private endRest(chatId: string, { next }: RestingChat): void {
    this.restingChats.delete(chatId);
    if (next) this.show(chatId, next);
  }

  /** @returns the size of what was shown */
  private async read(chatId: string, audience: Audience): Promise<Size> {
    const devices = this.admit(chatId, audience);
    let members = devices.size;
    if (devices.size > 0)
      for await (const { chat, userIds } of this.views.ofMembers(chatId, [...devices.keys()])) {
        const connections = userIds.flatMap((id) => devices.get(id) ?? []);
        this.hub.deliverTo(connections, chatTopic(chatId), { name: 'chat:updated', payload: chat });
        if (audience === 'everybody') members = chat.member_count;
      }
    return members > MAX_RECEIPT_MEMBERS ? 'large' : 'small';
  }

  /** The devices that are shown the chat now, by user. For those of a resting user, it waits. */
  private admit(chatId: string, audience: Audience): Map<string, Connection[]> {
    const admitted = byUserId(this.devicesIn(chatId, audience));
    for (const [userId, devices] of admitted) {
      const user = this.restingUsers.get(userId);
      if (user && !user.turns.delete(chatId)) {
        user.due.set(chatId, this.merged(chatId, user.due.get(chatId), new Set(devices)));
        admitted.delete(userId);
      } else if (!user && devices.length > FEW_DEVICES)
        this.restUser(userId, { due: new Map<string, Audience>(), turns: new Set() });
    }
    return admitted;
  }

  /** Without devices the rest is short, and nothing waits any more soon. */
  private restUser(userId: string, user: RestingUser): void {
    const ms = this.hub.audience(userTopic(userId)) * REST_OF_DEVICE_MS;
    user.timer = setTimeout(() => this.endRestOfUser(userId, user), ms).unref();
    this.restingUsers.set(userId, user);
  }

  private endRestOfUser(userId: string, user: RestingUser): void {
    const [next] = user.due;
    if (!next) return void this.restingUsers.delete(userId);
    const [chatId, devices] = next;
    user.due.delete(chatId);
    user.turns.add(chatId);
    this.restUser(userId, user);
    this.show(chatId, devices);
  }
}
