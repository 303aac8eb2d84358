import { ReceiptPage, type ChatDto } from '#contracts';
import { EventPublisher, Hub, userTopic } from '#realtime';
import { contractErrors, Device, itAlone, TestApp, text, type Account } from '#testing';
import { setTimeout as sleep } from 'node:timers/promises';

let app: TestApp;
let anna: Account;
let boris: Account;
let manyPeople: string[];
beforeAll(async () => {
  app = await TestApp.start();
  [anna, boris] = await app.people('Анна', 'Борис');
  manyPeople = await app.manyPeople(31);
});
afterAll(() => app.stop());

const groupOf = (size: number) =>
  app.group(anna, boris, ...manyPeople.slice(0, size - 2).map((id) => ({ id })));
const receipts = async (chat: ChatDto, message: string, query = '') => {
  const path = `chats/${chat.id}/messages/${message}/receipts${query}`;
  const { body } = await app.request<ReceiptPage>('GET', path, anna.token);
  expect(contractErrors(ReceiptPage, body)).toEqual([]);
  return body;
};
const about = (device: Device, chat: ChatDto) => ({
  delivered: device.all('chat:message:delivered').filter(({ chat_id }) => chat_id === chat.id),
  read: device.all('chat:message:read').filter(({ chat_id }) => chat_id === chat.id),
});

it('a chat of 32 publishes single receipts', async () => {
  const chat = await groupOf(32);
  const [annaDevice, borisDevice] = await app.devices(anna, boris);
  const { message_id } = await annaDevice.send('chat:message:send', text(chat));
  await borisDevice.send('chat:message:read', { chat_id: chat.id, message_id });
  expect(await annaDevice.next('chat:message:delivered')).toMatchObject({
    message_id,
    delivered_to: boris.id,
  });
  expect(await annaDevice.next('chat:message:read')).toMatchObject({ message_id, read_by: boris.id });
});

it('a chat of 33 publishes receipt counts for the newest message, each kind at most once a second', async () => {
  const chat = await groupOf(33);
  const [annaDevice, borisDevice] = await app.devices(anna, boris);
  const ids: string[] = [];
  const until = Date.now() + 3500;
  for (let i = 0; Date.now() < until; i++) {
    ids.push((await annaDevice.send('chat:message:send', text(chat, `m${i}`))).message_id);
    await borisDevice.send('chat:message:read', { chat_id: chat.id, message_id: ids.at(-1)! });
    await sleep(50);
  }
  const newest = ids.at(-1)!;
  for (const event of ['chat:message:read', 'chat:message:delivered'] as const)
    await annaDevice.next(event, ({ message_id }) => message_id === newest);
  const { delivered, read } = about(annaDevice, chat);
  for (const [name, times] of [
    ['delivered', delivered.map(({ delivered_at }) => Date.parse(delivered_at))],
    ['read', read.map(({ read_at }) => Date.parse(read_at))],
  ] as const) {
    expect([name, times.length]).toEqual([name, expect.any(Number)]);
    expect(times.length).toBeGreaterThanOrEqual(2);
    // Much less than a second, since a busy process stamps the counts a moment later.
    for (let i = 1; i < times.length; i++) expect(times[i]! - times[i - 1]!).toBeGreaterThan(500);
  }
  expect(read.at(-1)).toMatchObject({ message_id: newest, read_count: 1 });
  expect(delivered.at(-1)).toMatchObject({ message_id: newest, delivered_count: 1 });
  expect(JSON.stringify({ delivered, read })).not.toMatch(/delivered_to|read_by/);
  expect(about(borisDevice, chat)).toEqual({ delivered: [], read: [] });
});

it('a receipt count includes members who were sent the message live and answered nothing', async () => {
  const chat = await groupOf(33);
  const [annaDevice] = await app.devices(anna, boris);
  const { message_id } = await annaDevice.send('chat:message:send', text(chat));
  const received = await annaDevice.next(
    'chat:message:delivered',
    (event) => event.message_id === message_id,
  );
  expect(received).toMatchObject({ delivered_count: 1 });
  expect(about(annaDevice, chat).read).toEqual([]);
});

it('a receipt count excludes members across a block from the sender', async () => {
  const [vera, gleb] = await app.people('Вера', 'Глеб');
  const chat = await app.group(vera, boris, gleb, ...manyPeople.map((id) => ({ id })));
  await app.request('PUT', `users/${vera.id}/block`, boris.token);
  const [veraDevice, borisDevice, glebDevice] = await app.devices(vera, boris, gleb);
  const { message_id } = await veraDevice.send('chat:message:send', text(chat));
  for (const device of [borisDevice, glebDevice])
    await device.send('chat:message:read', { chat_id: chat.id, message_id });
  expect(await veraDevice.next('chat:message:read')).toMatchObject({ message_id, read_count: 1 });
  expect(await veraDevice.next('chat:message:delivered')).toMatchObject({ message_id, delivered_count: 1 });
});

it('a receipt count excludes members who connect a moment later and were sent nothing', async () => {
  const chat = await groupOf(33);
  const [vera, late] = await app.people('Вера', 'Поздний');
  await app.request('POST', `chats/${chat.id}/members`, anna.token, { user_ids: [vera.id, late.id] });
  const [annaDevice] = await app.devices(anna, vera, ...Array.from({ length: 33 }, () => anna));
  const { message_id } = await annaDevice.send('chat:message:send', text(chat));
  const lateDevice = await app.device(late);
  await annaDevice.next('chat:message:delivered', (event) => event.message_id === message_id);
  expect(lateDevice.all('chat:message:new')).toEqual([]);
  const { items } = await receipts(chat, message_id);
  const delivered = items.filter(({ status }) => status === 'delivered').map(({ user_id }) => user_id);
  expect(delivered).toContain(vera.id);
  expect(delivered).not.toContain(late.id);
});

it('the receipts route lists the readers in pages, without the sender', async () => {
  const chat = await groupOf(33);
  const [annaDevice, borisDevice] = await app.devices(anna, boris);
  const { message_id } = await annaDevice.send('chat:message:send', text(chat));
  await borisDevice.send('chat:message:read', { chat_id: chat.id, message_id });
  await app.rows(
    'UPDATE chat_members SET last_delivered_seq = 1 WHERE chat_id = $1 AND user_id = ANY($2::uuid[])',
    [chat.id, manyPeople.slice(0, 4)],
  );
  const { items, next_cursor } = await receipts(chat, message_id);
  expect([items.length, next_cursor]).toEqual([32, null]);
  const by = (status: string) => items.filter((item) => item.status === status).map(({ user_id }) => user_id);
  expect(by('read')).toEqual([boris.id]);
  expect(by('delivered').sort()).toEqual(manyPeople.slice(0, 4).sort());
  expect(by('sent')).toHaveLength(27);
  const paged: ReceiptPage['items'] = [];
  for (let query = '?limit=10'; query;) {
    const page = await receipts(chat, message_id, query);
    paged.push(...page.items);
    query = page.next_cursor ? `?limit=10&cursor=${page.next_cursor}` : '';
  }
  expect(paged).toEqual(items);
});

describe('updates of a group', () => {
  it('share one frame among all with the same read cursor, with their own unread count', async () => {
    const [vera, gleb] = await app.people('Вера', 'Глеб');
    const chat = await app.group(anna, boris, vera, ...manyPeople.map((id) => ({ id })));
    const [annaDevice, borisDevice, veraDevice] = await app.devices(anna, boris, vera);
    const { message_id } = await annaDevice.send('chat:message:send', text(chat));
    await borisDevice.send('chat:message:read', { chat_id: chat.id, message_id });
    const publish = jest.spyOn(app.app.get(EventPublisher), 'publish');
    const deliverTo = jest.spyOn(app.app.get(Hub), 'deliverTo');
    await app.request('POST', `chats/${chat.id}/members`, anna.token, { user_ids: [gleb.id] });
    for (const [device, last_read_seq, unread_count] of [
      [annaDevice, 1, 0],
      [borisDevice, 1, 0],
      [veraDevice, 0, 1],
    ] as const)
      expect(await device.next('chat:updated', ({ id }) => id === chat.id)).toMatchObject({
        last_read_seq,
        unread_count,
        member_count: 35,
      });
    // One frame for Gleb, who is new, one for Anna and Boris, one for Vera. No other member is connected.
    expect(publish.mock.calls.filter(([, event]) => event === 'chat:created')).toHaveLength(1);
    const users = deliverTo.mock.calls.map(
      ([connections]) => new Set([...connections].map(({ userId }) => userId)),
    );
    expect(users.map(({ size }) => size)).toEqual([2, 1]);
    jest.restoreAllMocks();
  });

  itAlone('are not encoded for members without a device on this node', async () => {
    const chat = await app.group(anna, boris);
    const encoded = jest.fn(() => chat);
    const payload = { toJSON: encoded } as never;
    app.app.get(EventPublisher).publish(userTopic(manyPeople[0]!), 'chat:updated', payload);
    expect(encoded).not.toHaveBeenCalled();
    const [annaDevice] = await app.devices(anna);
    app.app
      .get(EventPublisher)
      .publish([userTopic(manyPeople[0]!), userTopic(anna.id)], 'chat:updated', payload);
    expect(encoded).toHaveBeenCalledTimes(1);
    await annaDevice.next('chat:updated', ({ id }) => id === chat.id);
  });
});
