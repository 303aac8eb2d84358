import type { ChangeDto, ClientEvent, MessageDto, SyncAnswer } from '#contracts';
import { expectStatus, text, until, type Account, type Platform } from '#testing';
import { setTimeout as sleep } from 'node:timers/promises';
import { io, type Socket } from 'socket.io-client';

/** The delay before a reconnect, ms: shorter than in apps, so that tests do not wait. */
const RECONNECTION = { reconnectionDelay: 100, reconnectionDelayMax: 1000 };
/** The wait for an answer before a request is repeated, ms. */
const PATIENCE_MS = 12_000;
/** How long a gap is tolerated, ms: events of two nodes arrive in any order, so most gaps close by themselves. */
const GAP_MS = 100;
const ID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;

interface Shown {
  /** All messages up to this one have arrived. */
  seq: number;
  /** Later messages that have arrived, too. */
  ahead: Set<number>;
  changeSeq: number;
  messages: Map<string, MessageDto>;
}

export interface Acked {
  chatId: string;
  clientId: string;
  messageId: string;
  seq: number;
}

/** A phone that follows docs/protocol.md ("Catching up"), whatever happens on the way to the server. */
export class Phone {
  readonly chats = new Map<string, Shown>();
  readonly acked: Acked[] = [];
  /** Events and answers that a client cannot handle. */
  readonly violations: string[] = [];
  /** All ids in its received events, of whatever kind. */
  readonly named = new Set<string>();
  /** The groups that it was removed from. */
  private readonly removedFrom = new Set<string>();
  /** A plain client: checking each event strictly, as devices do, would take most of the time. */
  readonly socket: Socket;
  /** How often it had to catch up: once per connection, and after a possible loss. */
  syncs = 0;
  /** Resolves when it has everything that the server had at the last `sync:required`. */
  private caughtUp: Promise<void> = Promise.resolve();
  /** A catch-up that has not started serves all that wait for it. */
  private isCatchUpDue = false;
  private cursor?: string;
  private isClosed = false;
  private count = 0;

  private constructor(
    private readonly platform: Platform,
    readonly account: Account,
    url: string,
  ) {
    platform.keep(this);
    this.socket = io(url, {
      transports: ['websocket'],
      forceNew: true,
      auth: { token: account.token },
      ...RECONNECTION,
    });
    this.socket.on('sync:required', () => {
      this.syncs += 1;
      this.catchUp();
    });
    this.socket.on('error', (error: { code: string }) => {
      if (error.code !== 'UNAVAILABLE') this.violations.push(JSON.stringify(error));
    });
    this.socket.onAny((event: string, payload: unknown) => this.listen(event, payload));
    for (const change of ['new', 'edited', 'deleted', 'reaction'])
      this.socket.on(`chat:message:${change}`, (message: MessageDto) => this.receive(message));
  }

  /** Connects and catches up. */
  static async open(platform: Platform, account: Account, url = platform.socketUrl): Promise<Phone> {
    const phone = new Phone(platform, account, url);
    await new Promise((resolve) => phone.socket.once('sync:required', resolve));
    await phone.caughtUp;
    return phone;
  }

  /** Repeats a message until it is acknowledged. */
  async send(chatId: string, content: string): Promise<Acked> {
    const clientId = `${this.account.id}-${this.count++}`;
    const message = text({ id: chatId }, content, { client_id: clientId });
    const { message_id: messageId, seq } = await this.insist('chat:message:send', message);
    const acked = { chatId, clientId, messageId, seq };
    this.acked.push(acked);
    return acked;
  }

  async edit(messageId: string, content: string): Promise<void> {
    await this.insist('chat:message:edit', { message_id: messageId, content });
  }

  /** Waits until it has those messages. */
  async holds(messages: Acked[]): Promise<void> {
    const isIn = (id: string) => this.chats.has(id) && !this.removedFrom.has(id);
    const own = messages.filter(({ chatId }) => isIn(chatId));
    const isShown = ({ chatId, messageId }: Acked) => this.chats.get(chatId)!.messages.has(messageId);
    await until(`${this.account.id} hears everything`, () => own.every(isShown), 180_000);
  }

  /** Waits until it receives its removal from the group. */
  async isOut(chatId: string): Promise<void> {
    await until(`${this.account.id} is out`, () => this.removedFrom.has(chatId), 180_000);
  }

  /** Syncs like an app that returns to the foreground. */
  async resync(): Promise<void> {
    this.catchUp();
    await this.caughtUp;
  }

  close(): void {
    this.isClosed = true;
    this.socket.close();
  }

  private async insist(event: ClientEvent, payload: object): Promise<{ message_id: string; seq: number }> {
    for (;;) {
      const answer = (await this.socket
        .timeout(PATIENCE_MS)
        .emitWithAck(event, payload)
        .catch(() => ({ code: 'UNAVAILABLE', retry_after_ms: 100 }))) as Record<string, unknown>;
      if (answer.status !== 'error' && answer.code === undefined) return answer as never;
      if (!['UNAVAILABLE', 'RATE_LIMIT'].includes(answer.code as string) || this.isClosed) {
        this.violations.push(`${event}: ${JSON.stringify(answer)}`);
        throw new Error(this.violations.at(-1));
      }
      await sleep(Number(answer.retry_after_ms ?? 500));
    }
  }

  private listen(event: string, payload: unknown): void {
    for (const [id] of JSON.stringify(payload ?? null).matchAll(ID)) {
      this.named.add(id);
      if (this.removedFrom.has(id)) this.violations.push(`${event} of ${id}, which it was removed from`);
    }
    if (event === 'chat:removed') this.removedFrom.add((payload as { chat_id: string }).chat_id);
  }

  private chat(id: string): Shown {
    let shown = this.chats.get(id);
    if (!shown) this.chats.set(id, (shown = { seq: 0, ahead: new Set(), changeSeq: 0, messages: new Map() }));
    return shown;
  }

  /** By id, the higher `change_seq` wins. */
  private take(message: MessageDto): void {
    const chat = this.chat(message.chat_id);
    const { messages, ahead } = chat;
    const known = messages.get(message.id);
    if (known && known.seq !== message.seq)
      this.violations.push(`${message.id} is ${known.seq} and ${message.seq}`);
    if (!known || message.change_seq > known.change_seq) messages.set(message.id, message);
    if (message.seq > chat.seq) ahead.add(message.seq);
    while (ahead.delete(chat.seq + 1)) chat.seq += 1;
  }

  private receive(message: MessageDto): void {
    this.take(message);
    const chat = this.chat(message.chat_id);
    if (message.seq <= chat.seq) return;
    setTimeout(() => message.seq > chat.seq && this.catchUp(), GAP_MS);
  }

  /** One after the other: each begins where the one before ended. */
  private catchUp(): void {
    if (this.isCatchUpDue) return;
    this.isCatchUpDue = true;
    this.caughtUp = this.caughtUp.then(async () => {
      this.isCatchUpDue = false;
      while (!this.isClosed)
        try {
          return await this.fetchAll();
        } catch (error) {
          if (!(error instanceof Unavailable)) this.violations.push(String(error));
          await sleep(300);
        }
    });
  }

  private async fetchAll(): Promise<void> {
    const query = this.cursor === undefined ? '' : `?cursor=${encodeURIComponent(this.cursor)}`;
    const sync = await this.get<SyncAnswer>(`sync${query}`);
    for (const { id, last_seq, change_seq, left } of sync.chats) {
      const chat = this.chat(id);
      while (chat.seq < last_seq) {
        const page = await this.get<{ items: MessageDto[] }>(
          `chats/${id}/messages?after_seq=${chat.seq}&limit=200`,
        );
        for (const message of page.items) this.take(message);
        if (page.items.length === 0) throw new Error(`${id}: nothing after ${chat.seq} of ${last_seq}`);
      }
      if (left) continue;
      for (
        let after: string | null = String(chat.changeSeq);
        after !== null && chat.changeSeq < change_seq;
      ) {
        const path = `chats/${id}/changes?after_change_seq=${after}&limit=200`;
        const page: { items: ChangeDto[]; next_cursor: string | null } = await this.get(path);
        for (const { message } of page.items) if (message) this.take(message);
        after = page.next_cursor;
      }
      chat.changeSeq = change_seq;
    }
    this.cursor = sync.cursor;
    if (sync.chats.length >= 500) await this.fetchAll();
  }

  private async get<T>(path: string): Promise<T> {
    const reply = await this.platform.request<T>('GET', path, this.account.token).catch(() => undefined);
    // FORBIDDEN: removed since it read its chats, so it reads them again.
    if (!reply || [403, 429, 503].includes(reply.status)) throw new Unavailable();
    return expectStatus(reply, 200);
  }
}

class Unavailable extends Error {}
