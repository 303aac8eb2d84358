import { ErrorBody, type ChatDto, type PostDto, type SessionPage } from '#contracts';
import { Config } from '#platform';
import { expectStatus, contractErrors, TestApp, text, type Account } from '#testing';
import { setTimeout as sleep } from 'node:timers/promises';

const range = (length: number) => Array.from({ length }, (_, i) => i);

describe('messages', () => {
  const BURST = 6;
  let app: TestApp;
  let anna: Account;
  let boris: Account;
  let chat: ChatDto;
  beforeAll(async () => {
    app = await TestApp.start({ MESSAGE_RATE: '4', MESSAGE_BURST: String(BURST) });
    [anna, boris] = await app.people('Анна', 'Борис');
    chat = await app.chat(anna, boris);
  });
  afterAll(() => app.stop());

  it('are limited in bursts over all devices of a user and REST, and refused ones are not stored', async () => {
    const [phone, tablet, borisDevice] = await app.devices(anna, anna, boris);
    const byRest = async (i: number) => {
      const path = `chats/${chat.id}/messages`;
      return (await app.request<ErrorBody>('POST', path, anna.token, { type: 'text', content: `${i}` })).body;
    };
    const answers = (await Promise.all(
      range(15).map((i) =>
        i % 3 === 2 ? byRest(i) : (i % 3 ? phone : tablet).send('chat:message:send', text(chat, `${i}`)),
      ),
    )) as (ErrorBody & { status?: string })[];
    const refused = answers.filter(({ code }) => code === 'RATE_LIMIT');
    expect(answers.filter(({ status }) => status === 'sent')).toHaveLength(BURST);
    expect(refused).toHaveLength(15 - BURST);
    for (const { retry_after_ms } of refused) {
      expect(retry_after_ms).toBeGreaterThan(0);
      expect(retry_after_ms).toBeLessThanOrEqual((BURST / 4) * 1000);
    }
    expect(await app.rows('SELECT FROM messages')).toHaveLength(BURST);
    expect((await borisDevice.send('chat:message:send', text(chat))).status).toBe('sent');
    const { message_id } = (await app.history(anna, chat.id)).map(({ id }) => ({ message_id: id }))[0]!;
    expect((await phone.send('chat:message:edit', { message_id, content: 'x' })).code).toBe('RATE_LIMIT');
    expect((await phone.send('chat:message:react', { message_id, emoji: '👍', on: true })).code).toBe(
      'RATE_LIMIT',
    );
    expect((await phone.send('chat:message:read', { message_id, chat_id: chat.id })).status).toBe('ok');
    await sleep(Math.max(...refused.map(({ retry_after_ms }) => retry_after_ms!)));
    expect((await phone.send('chat:message:send', text(chat))).status).toBe('sent');
  });

  it('are refused on REST with the documented answer', async () => {
    const me = await app.register();
    const other = await app.group(me, anna);
    const send = () =>
      app.request<ErrorBody>('POST', `chats/${other.id}/messages`, me.token, { type: 'text', content: 'x' });
    const replies = await Promise.all(range(10).map(send));
    const refused = replies.filter(({ status }) => status === 429);
    expect(refused).toHaveLength(10 - BURST);
    for (const { body, headers } of refused) {
      expect([body.code, contractErrors(ErrorBody, body)]).toEqual(['RATE_LIMIT', []]);
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    }
  });
});

it('events of any kind are limited per user over all sockets, refusals included, with or without a callback', async () => {
  const app = await TestApp.start({ SOCKET_EVENT_RATE: '5' });
  const [anna, boris] = await app.people('Анна', 'Борис');
  const [device, second, borisDevice] = await app.devices(anna, anna, boris);
  const names = ['presence:watch', 'nonsense', 'chat:join'];
  const answers = (await Promise.all(
    range(60).map((i) => device.socket.timeout(5000).emitWithAck(names[i % 3]!, { user_ids: [] })),
  )) as ErrorBody[];
  const refused = answers.filter(({ code }) => code === 'RATE_LIMIT');
  expect(refused).toHaveLength(10);
  expect(refused.every(({ retry_after_ms }) => retry_after_ms! > 0 && retry_after_ms! <= 10_000)).toBe(true);
  device.socket.emit('presence:watch', { user_ids: [] });
  await device.next('error', ({ code }) => code === 'RATE_LIMIT');
  expect(device.socket.connected).toBe(true);
  expect((await second.send('presence:watch', { user_ids: [] })).code).toBe('RATE_LIMIT');
  expect((await borisDevice.send('presence:watch', { user_ids: [] })).status).toBe('ok');
  await app.stop();
});

it('500 queued messages sent at once are accepted in order under the default limits', async () => {
  const { MESSAGE_RATE, MESSAGE_BURST, SOCKET_EVENT_RATE } = new Config();
  const app = await TestApp.start({
    MESSAGE_RATE: String(MESSAGE_RATE),
    MESSAGE_BURST: String(MESSAGE_BURST),
    SOCKET_EVENT_RATE: String(SOCKET_EVENT_RATE),
  });
  const [anna, boris] = await app.people('Анна', 'Борис');
  const [device] = await app.devices(anna);
  const chat = await app.chat(anna, boris);
  const send = (i: number) =>
    device.send('chat:message:send', text(chat, `m${i}`, { client_id: `queued ${i}` }));
  const answers = await Promise.all(range(520).map(send));
  expect(answers.slice(0, 500).map(({ seq }) => seq)).toEqual(range(500).map((i) => i + 1));
  for (const { code, retry_after_ms } of answers.slice(500)) {
    expect(code).toBe('RATE_LIMIT');
    expect(retry_after_ms! > 0 && retry_after_ms! <= (MESSAGE_BURST / MESSAGE_RATE) * 1000).toBe(true);
  }
  const contents = await app.rows<{ content: string }>('SELECT content FROM messages ORDER BY seq');
  expect(contents.map(({ content }) => content)).toEqual(range(500).map((i) => `m${i}`));
  await app.stop();
});

it("a flooding client delays nobody else's answers", async () => {
  const app = await TestApp.start({ SOCKET_EVENT_RATE: '60' });
  const [anna, boris] = await app.people('Анна', 'Борис');
  const [flooding, borisDevice] = await app.devices(anna, boris);
  for (let i = 0; i < 5000; i++) flooding.socket.emit('chat:join', { chat_id: anna.id });
  await borisDevice.settled();
  await flooding.until(() => flooding.all('error').length >= 5000 || undefined);
  expect(flooding.all('error').filter(({ code }) => code === 'RATE_LIMIT').length).toBeGreaterThan(4000);
  await app.stop();
});

describe('an address', () => {
  const login = async (behind: TestApp, forwarded: string, email = 'somebody@example.com') => {
    const headers = { 'content-type': 'application/json', 'x-forwarded-for': forwarded };
    const body = JSON.stringify({ email, password: 'correct horse battery' });
    const response = await fetch(`${behind.url}/api/v2/auth/login`, { method: 'POST', headers, body });
    return { status: response.status, body: (await response.json()) as { access_token: string } };
  };

  it('counts as one in all its spellings and with its whole /64, and is shown in one form', async () => {
    const behind = await TestApp.start({ SIGN_IN_RATE: '2', TRUSTED_PROXIES: '1' });
    const inAllSpellings: string[][] = [
      [
        '203.0.113.7',
        '203.0.113.7:50001',
        '::ffff:203.0.113.7',
        '[::ffff:cb00:7107]:1',
        '9.9.9.9, 203.0.113.7',
      ],
      ['2001:db8::7', '[2001:DB8::7]:50001', '2001:0db8:0:0:0::7', '[2001:db8::7]', '2001:db8::ffff:1'],
      ['unknown7', 'unknown8', '_x', '203.0.113.256', ''],
    ];
    for (const [i, spellings] of inAllSpellings.entries()) {
      const statuses = [];
      for (const one of spellings) statuses.push((await login(behind, one, `nobody${i}@example.com`)).status);
      expect([spellings, statuses]).toEqual([spellings, [401, 401, 429, 429, 429]]);
    }
    expect((await login(behind, '2001:db8:0:1::7', 'nobody1@example.com')).status).toBe(401);
    const anna = await behind.register('Анна');
    for (const [written, shown] of [
      ['203.0.113.7:50009', '203.0.113.7'],
      ['[2001:DB8:0::7]:50009', '2001:db8::7'],
    ] as const) {
      const { access_token } = (await login(behind, written, anna.email)).body;
      const { body } = await behind.request<SessionPage>('GET', 'auth/sessions', access_token);
      expect(body.items.find(({ current }) => current)!.ip).toBe(shown);
    }
    await behind.stop();
  });
});

it.each([
  [0, 'is ignored', [401, 401, 429]],
  [1, 'identifies the client', [401, 401, 401]],
])('behind %d proxies an X-Forwarded-For %s', async (TRUSTED_PROXIES, _, statuses) => {
  const behind = await TestApp.start({ SIGN_IN_RATE: '2', TRUSTED_PROXIES: String(TRUSTED_PROXIES) });
  const body = JSON.stringify({ email: 'somebody@example.com', password: 'wrong' });
  const answers: number[] = [];
  for (const address of ['203.0.113.1', '203.0.113.2', '203.0.113.3']) {
    const headers = { 'content-type': 'application/json', 'x-forwarded-for': address };
    const { status } = await fetch(`${behind.url}/api/v2/auth/login`, { method: 'POST', headers, body });
    answers.push(status);
  }
  expect(answers).toEqual(statuses);
  await behind.stop();
});

it('a user may reach a limited number of strangers per day, half of it from a new account, and own a limited number of things', async () => {
  const app = await TestApp.start({ REACH_RATE: '4' });
  const [anna, boris] = await app.people('Анна', 'Борис');
  await app.rows(`UPDATE users SET created_at = now() - interval '2 days' WHERE id = $1`, [boris.id]);
  const strangers = await app.manyPeople(12);
  const made = async (
    { token }: Account,
    path: string | ((id: string) => string),
    body: (id: string) => object,
  ) => {
    const replies = [];
    for (const id of strangers) {
      const to = typeof path === 'string' ? path : path(id);
      replies.push(await app.request<ErrorBody>('POST', to, token, body(id)));
    }
    const refused = replies.filter(({ status }) => status === 429);
    const least = body === group ? 0 : 23 * 3600_000;
    for (const { body } of refused) expect(body.retry_after_ms).toBeGreaterThan(least);
    const done = replies.length - refused.length;
    expect(replies.slice(0, done).map(({ status }) => status)).toEqual(range(done).map(() => 201));
    return done;
  };
  const direct = (id: string) => ({ type: 'direct', participant_ids: [id] });
  const group = (id: string) => ({ type: 'group', participant_ids: [id], title: 'Group' });
  const friend = (id: string) => ({ user_id: id });
  for (const [who, times] of [
    [anna, 1],
    [boris, 2],
  ] as const) {
    expect(await made(who, 'chats', direct)).toBe(2 * times);
    expect(await made(who, 'chats', group)).toBe(2 * times);
    expect(await made(who, 'friends/requests', friend)).toBe(4 * times);
  }
  const [{ chat_id }] = (await app.rows(
    `SELECT chat_id FROM chat_members WHERE user_id = $1 AND role = 'owner' LIMIT 1`,
    [boris.id],
  )) as [{ chat_id: string }];
  const add = (user_ids: string[]) =>
    app.request<ErrorBody>('POST', `chats/${chat_id}/members`, boris.token, { user_ids });
  // Four of 160 a day were used by the groups; each counts once.
  const [last, ...more] = (await app.manyPeople(157)) as [string, ...string[]];
  expect([(await add(more)).status < 300, (await add([last])).status]).toEqual([true, 429]);
  // Somebody with an accepted chat is no stranger.
  const again = await app.request('POST', 'chats', anna.token, direct(strangers[0]!));
  expect(again.status).toBe(200);
  const all = strangers.map((id) => `@${id.replaceAll('-', '').slice(0, 30)}`);
  await app.rows('UPDATE users SET handle = left(handle, 30)');
  const post = (path: string, content: string) =>
    app.request<ErrorBody>('POST', path, anna.token, { content });
  const { id } = (await app.request<{ id: string }>('POST', 'posts', boris.token, { content: 'x' })).body;
  const paths = ['posts', `posts/${id}/comments`, `posts/${id}/repost`];
  expect((await post('posts', all.join(' '))).status).toBe(201);
  for (const path of paths) expectStatus(await post(path, all.join(' ')), 429);
  for (const path of paths) expectStatus(await post(path, 'To nobody'), 201);
  await app.rows(
    `INSERT INTO posts (id, author_id, content) SELECT id::uuid, id::uuid, 'x' FROM unnest($1::text[]) AS s(id)`,
    [strangers],
  );
  // A repost counts as a post. Three of eight a day were written, two were refused for their mentions.
  expect(
    await made(
      anna,
      (id) => `posts/${id}/repost`,
      () => ({ content: '' }),
    ),
  ).toBe(3);
  for (const comments of [12, 12, 6]) {
    const done = await made(
      anna,
      (id) => `posts/${id}/comments`,
      () => ({ content: 'x' }),
    );
    expect(done).toBe(comments);
  }
  const service = { name: 'Service', price: 1, duration: 60 };
  expect(await made(await app.register(), 'services', () => service)).toBe(8);
  await app.rows(
    `INSERT INTO services (id, master_id, name, price, duration)
     SELECT gen_random_uuid(), $1, 'Service', 1, 60 FROM generate_series(1, 99)`,
    [anna.id],
  );
  await app.rows(
    `INSERT INTO assistant_chats (id, user_id, title) SELECT gen_random_uuid(), $1, '' FROM generate_series(1, 99)`,
    [anna.id],
  );
  const vera = await app.register('Вера');
  await app.rows(
    `INSERT INTO friend_requests (id, from_id, to_id) SELECT gen_random_uuid(), $1, id FROM unnest($2::uuid[]) AS id`,
    [vera.id, await app.manyPeople(199)],
  );
  for (const [who, path, body] of [
    [anna, 'services', () => service],
    [anna, 'assistant/chats', () => undefined],
    [vera, 'friends/requests', (i: number) => friend(strangers[i]!)],
  ] as const) {
    const replies = await Promise.all(range(4).map((i) => app.request('POST', path, who.token, body(i))));
    const statuses = replies.map(({ status }) => status).sort((a, b) => a - b);
    expect([path, statuses]).toEqual([path, [201, 409, 409, 409]]);
  }
  await app.stop();
});

it('the work that one user causes for many devices is limited in time', async () => {
  const app = await TestApp.start({ REACH_RATE: '4', SOCKET_EVENT_RATE: '8' });
  const [anna, boris] = await app.people('Анна', 'Борис');
  const { body: post } = await app.request<PostDto>('POST', 'posts', boris.token, { content: 'Post' });
  const others = await app.manyPeople(5);
  const ask = async (method: string, path: string, body?: object) => {
    const { status, body: answer } = await app.request<ErrorBody>(method, path, anna.token, body);
    if (status === 429) expect(answer.retry_after_ms).toBeGreaterThan(0);
    return Math.floor(status / 100);
  };
  const each = async <T>(items: T[], one: (item: T) => Promise<number>) => {
    const statuses = [];
    for (const item of items) statuses.push(await one(item));
    return statuses;
  };
  expect(
    await each(['PUT', 'DELETE', 'PUT', 'DELETE', 'PUT'], (method) => ask(method, `posts/${post.id}/like`)),
  ).toEqual([2, 2, 2, 2, 4]);
  const relationships = others.map((id, i) => `users/${id}/${i % 2 ? 'follow' : 'block'}`);
  expect(await each(relationships, (path) => ask('PUT', path))).toEqual([2, 2, 2, 2, 4]);
  expect(await each(range(5), (i) => ask('PATCH', 'users/me', { name: `Анна ${i}` }))).toEqual([
    2, 2, 2, 2, 4,
  ]);
  expect(await ask('PATCH', 'users/me', { name: 'Анна 3', locale: 'en' })).toBe(2);
  const chat = await app.chat(anna, boris);
  const [device] = await app.devices(anna);
  const type = async (is_typing: boolean) =>
    (await device.send('chat:typing', { chat_id: chat.id, is_typing })).code;
  const answers = [];
  for (const _ of range(5)) answers.push(await type(true));
  expect(answers).toEqual([...Array<undefined>(4), 'RATE_LIMIT']);
  expect(await type(false)).toBeUndefined();
  await app.stop();
});
