import type { ChatDto, PostDto } from '#contracts';
import type { Platform } from '#testing';
import { setTimeout as sleep } from 'node:timers/promises';
import { expectNothingLost } from './oracle.js';
import { Phone, type Acked } from './phone.js';

const POSTS = 40;

interface Options {
  chats?: number;
  members?: number;
  /** The pause between an answer and the next message, ms. */
  pause?: number;
}

interface Group {
  chat: ChatDto;
  phones: Phone[];
  /** They send nothing: one was removed before the others began, and one may be removed later. */
  former: Phone;
  silent: Phone;
  /** Posts of the first phone. The others like them, several of them each, and mention the first one in own posts. */
  posts: string[];
  handle: string;
}

/** Groups of phones that send without end: each sends the next message when the last is acknowledged. */
export class ConversationLoad {
  /** The number of acknowledged messages. */
  said = 0;
  /** The keys of the expected notifications. */
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
  ): Promise<ConversationLoad> {
    const names = Array.from({ length: members }, (_, i) => `Somebody ${i}`);
    const groups = await Promise.all(
      Array.from({ length: chats }, async () => {
        const people = await platform.people(...names);
        const [past, quiet] = await platform.people('Somebody former', 'Somebody silent');
        const chat = await platform.group(people[0]!, ...people.slice(1), past, quiet);
        const [former, silent] = await Promise.all([Phone.open(platform, past), Phone.open(platform, quiet)]);
        await platform.request('DELETE', `chats/${chat.id}/members/${past.id}`, people[0]!.token);
        await former.isOut(chat.id);
        const posts = await Promise.all(
          Array.from({ length: POSTS }, async () => {
            const post = { content: 'Mine' };
            return (await platform.request<PostDto>('POST', 'posts', people[0]!.token, post)).body.id;
          }),
        );
        const [{ handle }] = (await platform.rows('SELECT handle FROM users WHERE id = $1', [
          people[0]!.id,
        ])) as [{ handle: string }];
        return {
          chat,
          posts,
          handle,
          former,
          silent,
          phones: await Promise.all(people.map((account) => Phone.open(platform, account))),
        };
      }),
    );
    const load = new ConversationLoad(platform, groups);
    load.running = Promise.all(
      groups.flatMap((group) => group.phones.map((phone) => load.go(phone, group, pause))),
    );
    // A test that waits for its end gets the failure; until then it is not unhandled.
    load.running.catch(() => (load.isOver = true));
    return load;
  }

  /** All phones, also those that only receive. */
  get phones(): Phone[] {
    return this.groups.flatMap(({ phones, former, silent }) => [...phones, former, silent]);
  }

  /** Once a silent phone receives its removal, it receives nothing more. */
  async removeTheSilent(): Promise<void> {
    for (const { chat, phones, silent } of this.groups)
      await this.insist(phones[0]!, 'DELETE', `chats/${chat.id}/members/${silent.account.id}`);
  }

  /** The last message of each. */
  get last(): Acked[] {
    return this.phones.flatMap(({ acked }) => acked.slice(-1));
  }

  /** Waits until this many messages have been acknowledged in all. */
  async until(said: number): Promise<void> {
    while (this.said < said && !this.isOver) await sleep(5);
    if (this.isOver) await this.running;
  }

  /** Waits until this many more have been. */
  more(messages: number): Promise<void> {
    return this.until(this.said + messages);
  }

  /** Ends when the last message of each has been acknowledged. */
  async end(): Promise<void> {
    this.isOver = true;
    await this.running;
  }

  private async go(phone: Phone, group: Group, pause: number): Promise<void> {
    while (!this.isOver) {
      const { messageId, seq } = await phone.send(group.chat.id, `${phone.account.id} ${this.said}`);
      this.said += 1;
      if (seq % 50 === 0) await phone.edit(messageId, `edited ${seq}`);
      await this.send(phone === group.phones[0] ? group.phones[1]! : phone, group, seq);
      if (pause > 0) await sleep(pause);
    }
  }

  /** Three like a post until all are liked; there are as many posts with a mention. */
  private async send(phone: Phone, { posts, handle }: Group, seq: number): Promise<void> {
    const liked = seq % 10 === 0 && posts[Math.floor(seq / 30)];
    if (liked) {
      // Repeated, it is still one.
      await this.insist(phone, 'PUT', `posts/${liked}/like`);
      this.causes.push(`post_liked:${liked}:${phone.account.id}`);
    }
    if (seq % 30 === 15 && seq < 30 * posts.length) {
      const post = await this.insist<PostDto>(phone, 'POST', 'posts', { content: `@${handle}` });
      this.causes.push(`mention:${post.id}`);
    }
  }

  /** Repeats until it is answered. */
  private async insist<T>({ account }: Phone, method: string, path: string, body?: object): Promise<T> {
    for (;;) {
      const reply = await this.platform.request<T>(method, path, account.token, body).catch(() => undefined);
      // A missing member was removed by an attempt whose answer was lost.
      if (reply && (reply.status < 300 || (method === 'DELETE' && reply.status === 404))) return reply.body;
      await sleep(300);
    }
  }
}

/** Beside each test of a file a few phones load, and must lose nothing by it. */
export function withConversationLoad(platform: () => Platform): void {
  let load: ConversationLoad;
  beforeEach(async () => {
    load = await ConversationLoad.start(platform(), { chats: 1, members: 3, pause: 50 });
  });
  afterEach(async () => {
    await load.more(30);
    await load.end();
    await expectNothingLost(platform(), load.phones, load.causes);
  }, 300_000);
}
