import type { ChatDto, PostDto } from '#contracts';
import type { Platform } from '#testing';
import { setTimeout as sleep } from 'node:timers/promises';
import { Phone, type Acked } from './phone.js';

const POSTS = 40;

interface Options {
  chats?: number;
  members?: number;
  /** How long each waits between an answer and the next thing it says, ms. */
  pause?: number;
}

interface Group {
  chat: ChatDto;
  phones: Phone[];
  /** Of the first one; the others like one of them now and then. */
  posts: string[];
}

/** Groups of people on phones who talk without end: each says the next thing when the last is acknowledged. */
export class Talk {
  /** How much has been acknowledged. */
  said = 0;
  /** The keys of what was to be told by notifications. */
  readonly causes: string[] = [];
  private isOver = false;
  private running: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly platform: Platform,
    private readonly groups: Group[],
  ) {}

  static async start(
    platform: Platform,
    { chats = 3, members = 4, pause = 10 }: Options = {},
  ): Promise<Talk> {
    const names = Array.from({ length: members }, (_, i) => `Somebody ${i}`);
    const groups = await Promise.all(
      Array.from({ length: chats }, async () => {
        const people = await platform.people(...names);
        const chat = await platform.group(people[0]!, ...people.slice(1));
        const posts = await Promise.all(
          Array.from({ length: POSTS }, async () => {
            const post = { content: 'Mine' };
            return (await platform.request<PostDto>('POST', 'posts', people[0]!.token, post)).body.id;
          }),
        );
        return {
          chat,
          posts,
          phones: await Promise.all(people.map((account) => Phone.open(platform, account))),
        };
      }),
    );
    const talk = new Talk(platform, groups);
    talk.running = Promise.all(
      groups.flatMap((group) => group.phones.map((phone) => talk.go(phone, group, pause))),
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

  private async go(phone: Phone, group: Group, pause: number): Promise<void> {
    while (!this.isOver) {
      const { messageId, seq } = await phone.send(group.chat.id, `${phone.account.id} ${this.said}`);
      this.said += 1;
      if (seq % 50 === 0) await phone.edit(messageId, `edited ${seq}`);
      if (seq % 10 === 0 && phone !== group.phones[0]) await this.like(phone, group.posts.pop());
      if (pause > 0) await sleep(pause);
    }
  }

  /** Until it is answered: a like said twice is one. */
  private async like({ account }: Phone, post?: string): Promise<void> {
    if (post === undefined) return;
    for (;;) {
      const reply = await this.platform
        .request('PUT', `posts/${post}/like`, account.token)
        .catch(() => undefined);
      if (reply?.status === 200) break;
      await sleep(300);
    }
    this.causes.push(`post_liked:${post}:${account.id}`);
  }
}
