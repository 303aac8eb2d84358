import type { ChatPage } from '#contracts';
import { DatabaseSession, TestApp, text } from '#testing';

let app: TestApp;
let databaseSession: DatabaseSession;
beforeAll(async () => {
  app = await TestApp.start();
  databaseSession = await DatabaseSession.at(app.databaseUrl);
});
afterAll(async () => {
  await databaseSession.end();
  await app.stop();
});

const range = (length: number) => Array.from({ length }, (_, i) => i);

const EMOJI = range(5).map((i) => String.fromCodePoint(0x1f600 + i));

it('hundreds of changes that wait for one chat use one connection and delay nobody else', async () => {
  const people = await Promise.all(range(8).map((i) => app.register(`Участник ${i}`)));
  const stranger = await app.register('Посторонний');
  const [owner, ...others] = people;
  const group = await app.group(owner!, ...others);
  const devices = await app.devices(...people);
  const { message_id } = await devices[0]!.send('chat:message:send', text(group));
  // Without this the cursor updates would wait for the chat, too.
  await devices[0]!.until(() => devices[0]!.all('chat:message:delivered').length === 7 || undefined);
  await databaseSession.query('BEGIN');
  await databaseSession.query('SELECT FROM chats WHERE id = $1 FOR UPDATE', [group.id]);
  const reactions = devices.flatMap((device) =>
    range(30).map((i) => device.send('chat:message:react', { message_id, emoji: EMOJI[i % 5], on: true })),
  );
  const renamed = range(10).map((i) =>
    app.request('PATCH', `chats/${group.id}`, owner!.token, { title: `Группа ${i}` }),
  );
  await databaseSession.somebodyWaits();
  for (let i = 0; i < 10; i++) {
    const { status, body } = await app.request<ChatPage>('GET', 'chats', stranger.token);
    expect([status, body.items]).toEqual([200, []]);
  }
  expect(await databaseSession.waiters()).toBe(1);
  await databaseSession.query('COMMIT');
  expect(new Set((await Promise.all(reactions)).map(({ status }) => status))).toEqual(new Set(['ok']));
  expect(new Set((await Promise.all(renamed)).map(({ status }) => status))).toEqual(new Set([200]));
  const [message] = await app.history(owner!, group.id);
  const counts = Object.fromEntries(message!.reactions.map(({ emoji, count }) => [emoji, count]));
  expect(counts).toEqual(Object.fromEntries(EMOJI.map((emoji) => [emoji, 8])));
});
