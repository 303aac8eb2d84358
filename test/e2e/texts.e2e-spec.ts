import {
  isName,
  isVisible,
  nameOf,
  type ChatDto,
  type MeDto,
  type MessageDto,
  type PostDto,
} from '#contracts';
import { Device, TestApp, text, type Account } from '#testing';
import fc from 'fast-check';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';

let app: TestApp;
let anna: Account;
let boris: Account;
let group: ChatDto;
let post: PostDto;
let annaDevice: Device;
beforeAll(async () => {
  app = await TestApp.start();
  [anna, boris] = await app.people('Анна', 'Борис');
  group = await app.group(anna, boris);
  [annaDevice] = await app.devices(anna);
  post = (await app.request<PostDto>('POST', 'posts', anna.token, { content: 'пост' })).body;
});
afterAll(() => app.stop());

type Refusal = { code?: string; details?: { field: string }[] };
const write = <T = Refusal>(path: string, body: object, account = anna, method = 'POST') =>
  app.request<T>(method, path, account.token, body);

const INVISIBLE = ['\u200B', '\u2800', '\u3164', '\u202E', '\u0300', '\u{E0020}', ' \uFE0F\n\u0007\u034F'];

it.each<[string, string, (words: string) => Promise<Refusal>]>([
  ['a name', 'name', async (name) => (await write('users/me', { name }, anna, 'PATCH')).body],
  [
    'the name of a new account',
    'name',
    async (name) =>
      (await write('auth/register', { email: 'x@example.com', password: 'correct horse battery', name }))
        .body,
  ],
  [
    'a new group’s title',
    'title',
    async (title) => (await write('chats', { type: 'group', participant_ids: [boris.id], title })).body,
  ],
  ['a title', 'title', async (title) => (await write(`chats/${group.id}`, { title }, anna, 'PATCH')).body],
  ['a service', 'name', async (name) => (await write('services', { name, price: 1, duration: 60 })).body],
  ['a message', 'content', (content) => annaDevice.send('chat:message:send', text(group, content))],
  [
    'a message by REST',
    'content',
    async (content) => (await write(`chats/${group.id}/messages`, { type: 'text', content })).body,
  ],
  [
    'an edit',
    'content',
    async (content) => {
      const { message_id } = await annaDevice.send('chat:message:send', text(group, 'mine'));
      return annaDevice.send('chat:message:edit', { message_id, content });
    },
  ],
  [
    'a comment of a forward',
    'comment',
    async (comment) => {
      const { message_id } = await annaDevice.send('chat:message:send', text(group, 'mine'));
      return annaDevice.send('chat:message:forward', {
        message_ids: [message_id],
        to_chat_id: group.id,
        comment,
      });
    },
  ],
  ['a post', 'content', async (content) => (await write('posts', { content })).body],
  [
    'a post of media',
    'content',
    async (content) => (await write('posts', { content, media_urls: ['https://a.example/1.jpg'] })).body,
  ],
  [
    'a repost',
    'content',
    async (content) => (await write(`posts/${post.id}/repost`, { content }, boris)).body,
  ],
  ['a comment', 'content', async (content) => (await write(`posts/${post.id}/comments`, { content })).body],
  [
    'a report',
    'reason',
    async (reason) => (await write('reports', { kind: 'post', target_id: post.id, reason }, boris)).body,
  ],
])('%s of invisible characters is refused by field', async (_, field, send) => {
  for (const words of INVISIBLE) {
    const { code, details } = await send(words);
    expect([words, code, details?.[0]?.field]).toEqual([words, 'INVALID_DATA', field]);
  }
});

it('the assistant refuses an invisible message', async () => {
  const client = await app.assistant();
  client.send('join_chat', { token: anna.token });
  await client.ask('create_chat', {}, 'chat_created');
  for (const message of INVISIBLE)
    expect(await client.ask('message', { message }, 'error')).toMatchObject({ code: 'INVALID_DATA' });
});

it('a text is returned in NFC, and otherwise as it was typed', async () => {
  const typed = ' и\u0306 نام\u200Cها 👨‍👩‍👧\n\tе\u0308 ';
  const kept = ' й نام\u200Cها 👨‍👩‍👧\n\tё ';
  const { message_id } = await annaDevice.send('chat:message:send', text(group, typed));
  expect((await app.history(boris, group.id)).find(({ id }) => id === message_id)!.content).toBe(kept);
  expect((await write<PostDto>('posts', { content: typed })).body.content).toBe(kept);
  expect(
    (await write<{ content: string }>(`posts/${post.id}/comments`, { content: typed })).body.content,
  ).toBe(kept);
  const { body } = await write<MeDto>('users/me', { name: 'Андреи\u0306\tЗуе\u0308в\n' }, anna, 'PATCH');
  expect(body.name).toBe('Андрей Зуёв');
});

it('a name of an earlier version is cleaned before it is used in a sentence', async () => {
  await app.rows('UPDATE users SET name = $2 WHERE id = $1', [boris.id, 'Бо\u202Eрис\n\nкод\u0007 א']);
  await write(`posts/${post.id}/like`, {}, boris, 'PUT');
  const received = await annaDevice.next('notification:new', ({ type }) => type === 'post_liked');
  expect(received.body).toBe('\u2068Борис код א\u2069 оценил(а) ваш пост');
});

it('the migration cleans names of earlier versions', async () => {
  const { message_id } = await annaDevice.send('chat:message:send', text(group, 'слово'));
  await app.rows('UPDATE users SET name = $2 WHERE id = $1', [anna.id, 'Ан\u202Eна\r\nи\u0306']);
  const forward = { message_ids: [message_id], to_chat_id: group.id };
  const { items } = await annaDevice.send('chat:message:forward', forward);
  const [{ handle }] = (await app.rows<{ handle: string }>(
    'UPDATE users SET name = $2 WHERE id = $1 RETURNING handle',
    [boris.id, '\u202E\n'],
  )) as [{ handle: string }];
  await app.rows('UPDATE chats SET title = $2 WHERE id = $1', [group.id, `a${'\u0301'.repeat(90)}\u0085b`]);
  const folder = (await readdir('prisma/migrations')).find((name) => name.endsWith('_one_form_of_text'))!;
  await app.rows(await readFile(join('prisma/migrations', folder, 'migration.sql'), 'utf8'));
  const users = await app.rows('SELECT name FROM users WHERE id = ANY($1) ORDER BY id = $2', [
    [anna.id, boris.id],
    boris.id,
  ]);
  expect(users).toEqual([{ name: 'Анна й' }, { name: handle }]);
  expect(await app.rows('SELECT title FROM chats WHERE id = $1', [group.id])).toEqual([
    { title: 'á\u0301\u0301\u0301\u0301 b' },
  ]);
  const forwarded = (await app.history(anna, group.id)).find(({ id }) => id === items[0]!.id) as MessageDto;
  expect(forwarded.forwarded_from!.sender_name).toBe('Анна й');
});

it('the migration turns every name of earlier versions into a valid one', async () => {
  const signs = [
    'a',
    'я',
    'й',
    ' ',
    '\u00A0',
    '\u2800',
    '\u3164',
    '\u{13441}',
    '\u{1D159}',
    '\u200B',
    '\u202E',
    '\u2028',
  ];
  const marks = [
    '\u0301',
    '\u0344',
    '\u0483',
    '\u064B',
    '\u094D',
    '\u0E48',
    '\u1DC4',
    '\u20D0',
    '\uFE0F',
    '\u{1D167}',
  ];
  const piles = fc.tuple(fc.constantFrom(...signs, ...marks), fc.integer({ min: 1, max: 12 }));
  const typed = fc
    .array(piles, { minLength: 1, maxLength: 6 })
    .map((all) => all.map(([sign, count]) => sign.repeat(count)).join(''));
  const names = fc.sample(typed, { seed: 20261128, numRuns: 500 });
  await app.rows(
    `INSERT INTO users (id, email, password_hash, name, handle)
     SELECT gen_random_uuid(), 'old_' || i || '@example.com', '', name, 'old_' || i
     FROM unnest($1::text[]) WITH ORDINALITY AS names (name, i)`,
    [names],
  );
  const folders = await readdir('prisma/migrations');
  const migrate = async (which: string) => {
    const folder = folders.find((name) => name.endsWith(which))!;
    await app.rows(await readFile(join('prisma/migrations', folder, 'migration.sql'), 'utf8'));
    return app.rows<{ name: string; handle: string }>(
      `SELECT name, handle FROM users WHERE handle LIKE 'old\\_%' ORDER BY substr(handle, 5)::int`,
    );
  };
  for (const { name } of await migrate('_one_form_of_text'))
    expect([name, isName(name)]).toEqual([name, true]);
  const rows = await migrate('_names_without_unseen');
  rows.forEach(({ name, handle }, i) => {
    const old = names[i]!;
    expect([old, nameOf(name), isVisible(name)]).toEqual([old, name, true]);
    if (!isVisible(old)) expect(name).toBe(handle);
    // The older code counted it among the marks.
    if (isName(nameOf(old)) && !old.includes('\u200B')) expect([old, name]).toEqual([old, nameOf(old)]);
  });
});
