import { Passwords } from '#identity';
import {
  ErrorBody,
  type AssistantChatWithMessages,
  type AuthAnswer,
  type ChangePage,
  type MessagePage,
  type PostPage,
} from '#contracts';
import { contractErrors, PlainClient, TestApp, until, type Account, type Reply } from '#testing';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const range = (length: number) => Array.from({ length }, (_, i) => i);
const MB = 1_000_000;

const expectRefused = (replies: Reply<object>[], code: string) => {
  for (const { body } of replies) {
    expect([body.code, contractErrors(ErrorBody, body)]).toEqual([code, []]);
    expect(body.retry_after_ms).toBeGreaterThan(0);
  }
};
const statuses = (replies: Reply<object>[]) => (status: number) =>
  replies.filter((reply) => reply.status === status);

describe('a request without an account', () => {
  let app: TestApp;
  beforeAll(
    async () => (app = await TestApp.start({ TRUSTED_PROXIES: '1', REST_WRITE_RATE: '5', SEARCH_RATE: '5' })),
  );
  afterAll(() => app.stop());

  const post = async <T>(path: string, body: object, from: string): Promise<Reply<T>> => {
    const headers = { 'content-type': 'application/json', 'x-forwarded-for': from };
    const response = await fetch(`${app.url}/api/v2/${path}`, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
    });
    return {
      route: `POST ${path}`,
      status: response.status,
      body: (await response.json()) as Reply<T>['body'],
      headers: response.headers,
    };
  };

  /** A client that may disconnect. */
  const asking = (i: number): Socket => {
    const body = JSON.stringify({ email: `nobody${i}@example.com`, password: 'guess' });
    const socket = connect(Number(new URL(app.url).port), '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(
      `POST /api/v2/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n` +
        `X-Forwarded-For: 198.51.100.${i}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    return socket;
  };

  it('gets few files of the docs a second, while another address gets its own', async () => {
    const ask = (path: string, from: string) =>
      fetch(app.url + path, { headers: { 'x-forwarded-for': from } });
    const replies = await Promise.all(range(60).map(() => ask('/docs-json', '198.51.100.1')));
    const refused = replies.filter(({ status }) => status !== 200);
    expect(refused).toHaveLength(10);
    for (const reply of refused) {
      const body = (await reply.json()) as ErrorBody;
      expect([reply.status, body.code, contractErrors(ErrorBody, body)]).toEqual([429, 'RATE_LIMIT', []]);
    }
    expect((await ask('/docs/start.js', '198.51.100.1')).status).toBe(429);
    expect((await ask('/docs', '198.51.100.2')).status).toBe(200);
  });

  it('is not done for a disconnected client, so a new user signs in at once', async () => {
    const anna = await app.register('Анна');
    const givenUp = range(200).map(asking);
    const credentials = { email: anna.email, password: 'correct horse battery' };
    // From a known address she does not wait.
    expect((await post('auth/login', credentials, '127.0.0.1')).status).toBe(200);
    for (const socket of givenUp) socket.destroy();
    await sleep(100);
    expect((await post('auth/login', credentials, '203.0.113.1')).status).toBe(200);
  });

  it('leaves the queue when its client disconnects', async () => {
    const passwords = app.app.get<unknown, { running: number; queues: { stranger: object[] } }>(Passwords);
    await until('the queue is empty', () => passwords.running === 0);
    // No queued request may start meanwhile.
    passwords.running = Infinity;
    const clients = range(3).map(asking);
    await until('queued', () => passwords.queues.stranger.length === 3);
    for (const client of clients) client.destroy();
    await until('gone', () => passwords.queues.stranger.length === 0);
    passwords.running = 0;
  });

  it('refreshes of one session are limited, and delay no other session of the address', async () => {
    const [flooding, honest] = await app.people('Глеб', 'Анна');
    const refresh = ({ refreshToken }: Account) =>
      post<AuthAnswer>('auth/refresh', { refresh_token: refreshToken }, '203.0.113.3');
    const flood = Promise.all(range(60).map(() => refresh(flooding)));
    expect((await refresh(honest)).status).toBe(200);
    const limited = statuses(await flood)(429);
    expect(limited.length).toBeGreaterThan(20);
    expectRefused(limited, 'RATE_LIMIT');
  });

  it('invalid refresh tokens are limited, and delay no valid refresh of the address', async () => {
    const people = await app.people(...range(6).map((i) => `Office ${i}`));
    const junk = range(100).map(() => post<object>('auth/refresh', { refresh_token: 'x' }, '203.0.113.2'));
    const honest = await Promise.all(
      people.map(({ refreshToken }) =>
        post<AuthAnswer>('auth/refresh', { refresh_token: refreshToken }, '203.0.113.2'),
      ),
    );
    expect(honest.map(({ status }) => status)).toEqual(people.map(() => 200));
    const limited = statuses(await Promise.all(junk))(429);
    expect(limited.length).toBeGreaterThan(20);
    expectRefused(limited, 'RATE_LIMIT');
  });
});

describe('reads', () => {
  let app: TestApp;
  let greedy: Account;
  let honest: Account;
  beforeAll(async () => {
    app = await TestApp.start({ READ_RATE: '6', SEARCH_RATE: '3' });
    [greedy, honest] = await app.people('Глеб', 'Анна');
  });
  afterAll(() => app.stop());

  it('of one user are limited over REST and events together, while others read', async () => {
    const [device, honestDevice] = await app.devices(greedy, honest);
    const replies = await Promise.all(
      range(80).map((i) => app.request<object>('GET', ['users/me', 'chats', 'sync'][i % 3]!, greedy.token)),
    );
    expect(statuses(replies)(200).length).toBe(60);
    expectRefused(statuses(replies)(429), 'RATE_LIMIT');
    // At most ten seconds later, all at once.
    const events: [string, object][] = [
      ['presence:get', { user_ids: [honest.id] }],
      ['presence:watch', { user_ids: [honest.id] }],
      ['chat:pins', { chat_id: honest.id }],
    ];
    const answers = (await Promise.all(
      range(180).map((i) => device.socket.emitWithAck(...events[i % 3]!)),
    )) as ErrorBody[];
    for (const kind of [0, 1, 2])
      expect(answers.filter(({ code }, i) => i % 3 === kind && code === 'RATE_LIMIT').length).toBeGreaterThan(
        0,
      );
    expect((await app.request('GET', 'users/me', honest.token)).status).toBe(200);
    expect((await honestDevice.send('users:list', {})).status).toBe('ok');
  });

  it('of one user through an older client are limited, too', async () => {
    const boris = await app.register('Борис');
    const { id: chatId } = await app.chat(boris, honest);
    const client = PlainClient.open(`${app.url}/messenger`, { auth: { token: boris.token } });
    const answers = await Promise.all(range(180).map(() => client.ask('chat:get-pinned', { chatId })));
    const read = answers.filter(({ status }) => status === 'ok');
    expect(read.length).toBeGreaterThan(0);
    expect(read.length).toBeLessThan(180);
    client.close();
  });

  it('that search are limited in number and in time, while others search', async () => {
    const searching = await app.register();
    const flood = Promise.all(
      range(50).map((i) => app.request<object>('GET', `users?query=анна${i}`, searching.token)),
    );
    expect((await app.request('GET', 'users?query=глеб', honest.token)).status).toBe(200);
    const replies = await flood;
    expect(statuses(replies)(200).length).toBeGreaterThanOrEqual(6);
    expect(statuses(replies)(200).length).toBeLessThanOrEqual(30);
    expectRefused(statuses(replies)(429), 'RATE_LIMIT');
    const metrics = await (await fetch(`${app.url}/metrics`)).text();
    expect(metrics).toMatch(/budget_refusals_total\{budget="search"\} \d/);
  });
});

describe('a page', () => {
  let app: TestApp;
  let anna: Account;
  beforeAll(async () => {
    app = await TestApp.start();
    anna = await app.register('Анна');
  });
  afterAll(() => app.stop());

  /** Reads all pages, and checks the size of each. */
  const walk = async <T extends { next_cursor: string | null }>(
    path: string,
    as: string,
    items: (page: T) => unknown[],
  ) => {
    const all = [];
    let cursor = '';
    do {
      const { body } = await app.request<T>(
        'GET',
        `${path}${path.includes('?') ? '&' : '?'}limit=200${cursor}`,
        anna.token,
      );
      expect(JSON.stringify(body).length).toBeLessThan(1.1 * MB);
      all.push(...items(body));
      cursor = body.next_cursor ? `&${as}=${body.next_cursor}` : '';
    } while (cursor);
    return all;
  };

  it('of an assistant’s chat has a bounded size, also when a device opens the chat', async () => {
    const { body: chat } = await app.request<{ id: string }>('POST', 'assistant/chats', anna.token);
    await app.rows(
      `INSERT INTO assistant_messages (id, chat_id, seq, role, status, content)
       SELECT gen_random_uuid(), $1, i, 'assistant', 'complete', repeat('ж', 100000) FROM generate_series(1, 60) AS i`,
      [chat.id],
    );
    const path = `assistant/chats/${chat.id}`;
    const messages = await walk<AssistantChatWithMessages>(path, 'cursor', (page) => page.messages);
    expect(messages).toHaveLength(60);
    const client = await app.assistant();
    const joined = await client.ask<{ messages: unknown[]; nextCursor: string }>(
      'join_chat',
      { token: anna.token, chatId: chat.id },
      'chat_joined',
    );
    expect(joined.messages.length).toBeLessThan(6);
    const rest = `${path}?limit=1&cursor=${joined.nextCursor}`;
    const { body } = await app.request<AssistantChatWithMessages>('GET', rest, anna.token);
    expect(body.next_cursor).toBe(String(60 - joined.messages.length));
  });

  it('of a chat and of the chat list has a bounded size', async () => {
    const boris = await app.register();
    const chat = await app.chat(anna, boris);
    await app.rows(
      `INSERT INTO messages (id, chat_id, sender_id, seq, type, content, created_at)
       SELECT gen_random_uuid(), $1, $2, i, 'text', 'слово ' || repeat('😀', 3990), now() FROM generate_series(1, 200) AS i`,
      [chat.id, boris.id],
    );
    await app.rows('UPDATE chats SET last_seq = 200 WHERE id = $1', [chat.id]);
    const path = `chats/${chat.id}/messages`;
    const seqs = await walk<MessagePage>(path, 'before_seq', ({ items }) =>
      items.map(({ seq }) => seq).reverse(),
    );
    expect(seqs).toEqual(range(200).map((i) => 200 - i));
    const found = await walk<MessagePage>(`${path}/search?query=слово`, 'cursor', ({ items }) =>
      items.map(({ seq }) => seq),
    );
    expect(found).toEqual(seqs);
    await app.rows('UPDATE messages SET change_seq = seq WHERE chat_id = $1', [chat.id]);
    await app.rows('UPDATE chats SET change_seq = 200 WHERE id = $1', [chat.id]);
    const changes = await walk<ChangePage>(`chats/${chat.id}/changes`, 'after_change_seq', ({ items }) =>
      items.flatMap(({ message }) => message?.seq ?? []),
    );
    expect(changes).toEqual(range(200).map((i) => i + 1));
    await app.rows(
      `WITH made AS (
         INSERT INTO chats (id, type, title, last_seq, member_count)
         SELECT gen_random_uuid(), 'group', 'Group', 1, 1 FROM generate_series(1, 100) RETURNING id
       ), joined AS (
         INSERT INTO chat_members (chat_id, user_id, role) SELECT id, $1, 'owner' FROM made
       )
       INSERT INTO messages (id, chat_id, sender_id, seq, type, content, created_at)
       SELECT gen_random_uuid(), id, $1, 1, 'text', repeat('😀', 4000), now() FROM made`,
      [anna.id],
    );
    const chats = await walk<{ items: { id: string }[]; next_cursor: string | null }>(
      'chats',
      'cursor',
      ({ items }) => items.map(({ id }) => id),
    );
    expect([chats.length, new Set(chats).size]).toEqual([101, 101]);
  });

  it('of posts has a bounded size', async () => {
    await app.rows(
      `INSERT INTO posts (id, author_id, content) SELECT gen_random_uuid(), $1, repeat('😀', 5000) FROM generate_series(1, 120)`,
      [anna.id],
    );
    const ids = await walk<PostPage>(`users/${anna.id}/posts`, 'cursor', ({ items }) =>
      items.map(({ id }) => id),
    );
    expect([ids.length, new Set(ids).size]).toEqual([120, 120]);
  });
});
