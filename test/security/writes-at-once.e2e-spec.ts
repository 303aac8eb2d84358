import type { ChatDto } from '#contracts';
import { Bystander, text, TestApp, until, type Account, type Device } from '#testing';

const range = (length: number) => Array.from({ length }, (_, i) => i);

let app: TestApp;
let blocker: Bystander;
let anna: Account;
let boris: Account;
let hers: Device;
let chat: ChatDto;
beforeAll(async () => {
  app = await TestApp.start();
  blocker = await Bystander.at(app.databaseUrl);
  [anna, boris] = await app.people('Анна', 'Борис');
  hers = await app.device(anna);
  chat = await app.chat(anna, boris);
});
beforeEach(() => blocker.query('BEGIN'));
afterEach(() => blocker.query('ROLLBACK'));
afterAll(async () => {
  await blocker.end();
  await app.stop();
});

const say = () => hers.send('chat:message:send', text(chat));
const waiting = (count: number) => until(`${count} wait`, async () => (await blocker.waiters()) === count);

describe('writes of one user that wait for the database', () => {
  it('are four at once, by events and over REST together; sends go on in their order', async () => {
    const groups = await Promise.all(range(12).map(() => app.group(anna, boris)));
    await blocker.query('SELECT FROM chat_members WHERE user_id = $1 AND chat_id <> $2 FOR UPDATE', [
      anna.id,
      chat.id,
    ]);
    const muted = groups
      .slice(0, 8)
      .map(({ id }) => hers.send('chat:mute', { chat_id: id, muted: true, until: null }));
    await waiting(4);
    const archived = groups
      .slice(8)
      .map(({ id }) => app.request('PUT', `chats/${id}/archive`, anna.token, { archived: true }));
    const sent = await Promise.all(range(40).map(say));
    const seqs = sent.map(({ seq }) => seq);
    expect(seqs).toEqual(range(40).map((i) => seqs[0]! + i));
    expect(await blocker.waiters()).toBe(4);
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
    expect(await blocker.waiters()).toBe(4);
    await blocker.query('COMMIT');
    for (const client of clients) await client.next('chat_created');
  });
});
