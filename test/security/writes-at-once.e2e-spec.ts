import type { ChatDto } from '#contracts';
import { DatabaseSession, text, TestApp, until, type Account, type Device } from '#testing';

const range = (length: number) => Array.from({ length }, (_, i) => i);

let app: TestApp;
let blocker: DatabaseSession;
let anna: Account;
let boris: Account;
let annaDevice: Device;
let chat: ChatDto;
beforeAll(async () => {
  app = await TestApp.start();
  blocker = await DatabaseSession.at(app.databaseUrl);
  [anna, boris] = await app.people('Анна', 'Борис');
  annaDevice = await app.device(anna);
  chat = await app.chat(anna, boris);
});
beforeEach(() => blocker.query('BEGIN'));
afterEach(() => blocker.query('ROLLBACK'));
afterAll(async () => {
  await blocker.end();
  await app.stop();
});

const say = () => annaDevice.send('chat:message:send', text(chat));
/** Waits until this many wait in the end: jobs of earlier requests may wait for a moment, too. */
const waiting = (count: number) => until(`${count} wait`, async () => (await blocker.waiters()) === count);

describe('writes of one user that wait for the database', () => {
  it('are four at once over events and REST together, while sends go on in order', async () => {
    const groups = await Promise.all(range(12).map(() => app.group(anna, boris)));
    await blocker.query('SELECT FROM chat_members WHERE user_id = $1 AND chat_id <> $2 FOR UPDATE', [
      anna.id,
      chat.id,
    ]);
    const muted = groups
      .slice(0, 8)
      .map(({ id }) => annaDevice.send('chat:mute', { chat_id: id, muted: true, until: null }));
    await waiting(4);
    const archived = groups
      .slice(8)
      .map(({ id }) => app.request('PUT', `chats/${id}/archive`, anna.token, { archived: true }));
    const sent = await Promise.all(range(40).map(say));
    const seqs = sent.map(({ seq }) => seq);
    expect(seqs).toEqual(range(40).map((i) => seqs[0]! + i));
    await waiting(4);
    await blocker.query('COMMIT');
    expect((await Promise.all(muted)).map(({ status }) => status)).toEqual(Array(8).fill('ok'));
    expect((await Promise.all(archived)).map(({ status }) => status)).toEqual(Array(4).fill(200));
  });

  it('are four at once over all connections to the assistant', async () => {
    const clients = await Promise.all(range(8).map(() => app.assistant()));
    for (const client of clients) client.send('join_chat', { token: anna.token });
    await blocker.query('SELECT FROM users WHERE id = $1 FOR NO KEY UPDATE', [anna.id]);
    for (const client of clients) client.send('create_chat');
    await waiting(4);
    await say();
    await waiting(4);
    await blocker.query('COMMIT');
    for (const client of clients) await client.next('chat_created');
  });
});

it('changes of one pair take one connection, whichever of the two sends them', async () => {
  const vera = await app.register('Вера');
  const others = await app.device(vera);
  const pair = [anna.id, vera.id].sort().join(':');
  await blocker.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [pair]);
  const got = [
    ...range(6).map(() => annaDevice.send('chat:get', { recipient_id: vera.id })),
    ...range(6).map(() => others.send('chat:get', { recipient_id: anna.id })),
  ];
  await waiting(1);
  const followed = [
    app.request('PUT', `users/${vera.id}/follow`, anna.token),
    app.request('PUT', `users/${anna.id}/follow`, vera.token),
  ];
  await Promise.all(range(10).map(say));
  await waiting(1);
  await blocker.query('COMMIT');
  const chats = (await Promise.all(got)).map((answer) => answer.chat.id);
  expect(new Set(chats).size).toBe(1);
  for (const { status } of await Promise.all(followed)) expect(status).toBeLessThan(300);
});

it('comments and reposts of one post take one connection, whoever writes them', async () => {
  const people = await app.people('Вера', 'Глеб', 'Дина', 'Егор');
  const { body: post } = await app.request<{ id: string }>('POST', 'posts', boris.token, { content: 'x' });
  await blocker.query('SELECT FROM posts WHERE id = $1 FOR NO KEY UPDATE', [post.id]);
  const comment = ({ token }: Account) =>
    app.request('POST', `posts/${post.id}/comments`, token, { content: 'x' });
  const repost = ({ token }: Account) =>
    app.request('POST', `posts/${post.id}/repost`, token, { content: '' });
  const asked = people.flatMap((one) => [comment(one), comment(one), repost(one)]);
  await waiting(1);
  await Promise.all(range(10).map(say));
  await waiting(1);
  await blocker.query('COMMIT');
  expect((await Promise.all(asked)).map(({ status }) => status)).toEqual(Array(12).fill(201));
});
