import type { ChatDto } from '#contracts';
import { Device, PlainClient, TestApp, text, type Account } from '#testing';

let app: TestApp;
let anna: Account;
let boris: Account;
let borisDevice: Device;
/** Anna's device that receives only joined chats. */
let scoped: Device;
let all: Device;
let one: ChatDto;
let other: ChatDto;
beforeAll(async () => {
  app = await TestApp.start();
  [anna, boris] = await app.people('Анна', 'Борис');
  [borisDevice, all] = await app.devices(boris, anna);
  scoped = app.keep(
    await Device.connect(app.url, anna.token, { auth: { token: anna.token, scope: 'joined' } }),
  );
  [one, other] = [await app.group(anna, boris), await app.group(anna, boris)];
});
afterAll(() => app.stop());

const send = (chat: ChatDto, content: string) => borisDevice.send('chat:message:send', text(chat, content));
const contents = (device: Device) => device.all('chat:message:new').map(({ content }) => content);

it('a device of the joined scope receives messages and typing of joined chats, and chat updates of others', async () => {
  await scoped.send('chat:join', { chat_id: one.id });
  const { message_id } = await send(other, 'unjoined');
  for (let i = 0; i < 5; i++) await send(other, `more ${i}`);
  await send(one, 'joined');
  for (const chat of [other, one])
    await borisDevice.send('chat:typing', { chat_id: chat.id, is_typing: true });
  await all.next('chat:typing', ({ chat_id }) => chat_id === one.id);
  await scoped.next('chat:typing', ({ chat_id }) => chat_id === one.id);
  const updated = await scoped.next('chat:updated', ({ last_seq }) => last_seq === 6);
  expect(updated).toMatchObject({ id: other.id, unread_count: 6, last_message: { content: 'more 4' } });
  expect(contents(scoped)).toEqual(['joined']);
  expect(scoped.all('chat:typing').map(({ chat_id }) => chat_id)).toEqual([one.id]);
  expect(scoped.all('chat:updated').length).toBeLessThan(6);
  // Other devices receive everything as usual.
  expect(contents(all)).toHaveLength(7);
  expect(all.all('chat:updated')).toEqual([]);
  // A message that was shown as the last message counts as delivered.
  await borisDevice.next('chat:message:delivered', (receipt) => receipt.message_id === message_id);
  await scoped.send('chat:leave', { chat_id: one.id });
  await scoped.send('chat:join', { chat_id: other.id });
  await send(one, 'left');
  await send(other, 'now joined');
  await scoped.next('chat:message:new', ({ content }) => content === 'now joined');
  await scoped.next('chat:updated', ({ id, last_seq }) => id === one.id && last_seq === 2);
  expect(contents(scoped)).toEqual(['joined', 'now joined']);
});

it('a device joins at most 100 chats, and only chats of its user', async () => {
  expect((await scoped.send('chat:join', { chat_id: boris.id })).code).toBe('CHAT_NOT_FOUND');
  const [{ ids }] = (await app.rows<{ ids: string[] }>(
    `WITH made AS (
       INSERT INTO chats (id, type, member_count) SELECT gen_random_uuid(), 'group', 1 FROM generate_series(1, 100) RETURNING id
     ), joined AS (INSERT INTO chat_members (chat_id, user_id) SELECT id, $1 FROM made)
     SELECT array_agg(id) AS ids FROM made`,
    [anna.id],
  )) as [{ ids: string[] }];
  const join = async (chat_id: string) => (await scoped.send('chat:join', { chat_id })).status;
  for (const id of ids.slice(0, 99)) expect(await join(id)).toBe('joined');
  expect((await scoped.send('chat:join', { chat_id: ids[99]! })).code).toBe('CONFLICT');
  await scoped.send('chat:leave', { chat_id: ids[0]! });
  expect(await join(ids[99]!)).toBe('joined');
});

it.each([
  ['/messenger', 'chat:join', 'new-message', 'content'],
  ['/messenger-classic', 'join-chat', 'new-message', 'content'],
  ['/chat-basic', 'chat:join', 'message:new', 'text'],
])('the joined scope works in %s, too', async (namespace, join, message, content) => {
  const client = PlainClient.open(app.url + namespace, { auth: { token: anna.token, scope: 'joined' } });
  await client.ask(join, { chatId: one.id });
  await send(other, 'other');
  await send(one, 'one');
  await client.next(message, (received) => received[content] === 'one');
  await client.next('chat:updated', (chat) => (chat.id ?? chat._id) === other.id);
  expect(client.all(message).map((received) => received[content])).toEqual(['one']);
  client.close();
});

it('in /messenger, a device of either scope receives each status of a message', async () => {
  const [plain, joined] = [{}, { scope: 'joined' }].map((scope) =>
    PlainClient.open(`${app.url}/messenger`, { auth: { token: anna.token, ...scope } }),
  ) as [PlainClient, PlainClient];
  for (const device of [plain, joined]) await device.ask('chat:join', { chatId: one.id });
  const { id: message_id } = await plain.ask<{ id: string }>('message', { chatId: one.id, content: 'x' });
  await borisDevice.send('chat:message:read', { message_id, chat_id: one.id });
  for (const device of [plain, joined]) {
    await device.next(
      'message:status',
      ({ messageId, status }) => messageId === message_id && status === 'READ',
    );
    const statuses = device.all('message:status').filter(({ messageId }) => messageId === message_id);
    expect(statuses.map(({ status }) => status)).toEqual(['DELIVERED', 'READ']);
    device.close();
  }
});
