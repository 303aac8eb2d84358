import type { ChatDto } from '#contracts';
import type { Platform } from '#testing';
import { setTimeout as sleep } from 'node:timers/promises';
import { Phone, type Acked } from './phone.js';

interface Options {
  chats?: number;
  members?: number;
  /** How long each waits between an answer and the next thing it says, ms. */
  pause?: number;
}

/** Groups of people on phones who talk without end: each says the next thing when the last is acknowledged. */
export class Talk {
  /** How much has been acknowledged. */
  said = 0;
  private isOver = false;
  private running: Promise<unknown> = Promise.resolve();

  private constructor(private readonly groups: { chat: ChatDto; phones: Phone[] }[]) {}

  static async start(
    platform: Platform,
    { chats = 3, members = 4, pause = 10 }: Options = {},
  ): Promise<Talk> {
    const names = Array.from({ length: members }, (_, i) => `Somebody ${i}`);
    const groups = await Promise.all(
      Array.from({ length: chats }, async () => {
        const people = await platform.people(...names);
        const chat = await platform.group(people[0]!, ...people.slice(1));
        return { chat, phones: await Promise.all(people.map((account) => Phone.open(platform, account))) };
      }),
    );
    const talk = new Talk(groups);
    talk.running = Promise.all(
      groups.flatMap(({ chat, phones }) => phones.map((phone) => talk.go(phone, chat.id, pause))),
    );
    // Whoever waits for its end hears of it; until then it is not unhandled.
    talk.running.catch(() => (talk.isOver = true));
    return talk;
  }

  get phones(): Phone[] {
    return this.groups.flatMap(({ phones }) => phones);
  }

  /** What each said last. */
  get last(): Acked[] {
    return this.phones.flatMap(({ acked }) => acked.slice(-1));
  }

  /** Until so much has been acknowledged in all. */
  async until(said: number): Promise<void> {
    while (this.said < said && !this.isOver) await sleep(5);
    if (this.isOver) await this.running;
  }

  /** Until so much more has been. */
  more(messages: number): Promise<void> {
    return this.until(this.said + messages);
  }

  /** When the last of each has been acknowledged. */
  async end(): Promise<void> {
    this.isOver = true;
    await this.running;
  }

  private async go(phone: Phone, chatId: string, pause: number): Promise<void> {
    while (!this.isOver) {
      const { messageId, seq } = await phone.send(chatId, `${phone.account.id} ${this.said}`);
      this.said += 1;
      if (seq % 50 === 0) await phone.edit(messageId, `edited ${seq}`);
      if (pause > 0) await sleep(pause);
    }
  }
}
