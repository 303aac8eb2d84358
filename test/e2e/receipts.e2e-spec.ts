import { type ChatDto, type ReadAck, type SyncAnswer } from '#contracts';
import { Device, TestApp, text, type Account } from '#testing';
import { setTimeout as sleep } from 'node:timers/promises';

let app: TestApp;
let anna: Account;
let boris: Account;
let vera: Account;
let annaDevice: Device;
beforeAll(async () => {
  app = await TestApp.start();
  [anna, boris, vera] = await app.people('Анна', 'Борис', 'Вера');
  [annaDevice] = await app.devices(anna);
});
afterAll(() => app.stop());

const send = async (chat: ChatDto, device = annaDevice) =>
  (await device.send('chat:message:send', text(chat))).message_id;
const read = (device: Device, chat: ChatDto, message_id: string) =>
  device.send('chat:message:read', { chat_id: chat.id, message_id });
const deliveries = (device: Device, chat: ChatDto) =>
  device
    .all('chat:message:delivered')
    .filter(({ chat_id }) => chat_id === chat.id)
    .map(({ message_id, delivered_to }) => `${message_id} to ${delivered_to}`);
const reads = (device: Device, chat: ChatDto) =>
  device
    .all('chat:message:read')
    .filter(({ chat_id }) => chat_id === chat.id)
    .map(({ message_id, read_by }) => `${message_id} by ${read_by}`);
/** Adds messages of Anna after the first one. */
async function fill({ id }: ChatDto, length: number, deletedAt = 'NULL'): Promise<void> {
  await app.rows(
    `INSERT INTO messages (id, chat_id, seq, sender_id, type, content, created_at, deleted_at)
     SELECT gen_random_uuid(), $1, seq, $2, 'text', '', now(), ${deletedAt} FROM generate_series(2, $3::int) AS seq`,
    [id, anna.id, length],
  );
  await app.rows('UPDATE chats SET last_seq = $2 WHERE id = $1', [id, length]);
}
/** Waits until `device` has received this many delivery receipts. */
const hasReceived = (device: Device, chat: ChatDto, count: number) =>
  device.until(() => deliveries(device, chat).length >= count || undefined, `${count} deliveries`);

describe('delivered', () => {
  it('is published once for each recipient and message, to the sender alone', async () => {
    const chat = await app.group(anna, boris, vera);
    const [second, borisDevice, borisSecondDevice, veraDevice] = await app.devices(anna, boris, boris, vera);
    const ids = [await send(chat), await send(chat), await send(chat, borisDevice), await send(chat)];
    const expected = ids.flatMap((id, i) =>
      [anna, boris, vera]
        .filter((person) => person !== (i === 2 ? boris : anna))
        .map((person) => `${id} to ${person.id}`),
    );
    const annaReceipts = expected.filter((receipt) => !receipt.startsWith(ids[2]!));
    const borisReceipts = expected.filter((receipt) => receipt.startsWith(ids[2]!));
    await hasReceived(annaDevice, chat, 6);
    await hasReceived(borisDevice, chat, 2);
    for (const device of [annaDevice, second, borisDevice, borisSecondDevice, veraDevice])
      await device.settled();
    for (const device of [annaDevice, second])
      expect(deliveries(device, chat).sort()).toEqual(annaReceipts.sort());
    for (const device of [borisDevice, borisSecondDevice])
      expect(deliveries(device, chat).sort()).toEqual(borisReceipts.sort());
    expect(deliveries(veraDevice, chat)).toEqual([]);
    for (const device of [second, borisDevice, borisSecondDevice, veraDevice]) device.close();
  });

  it.each<[string, (device: Device | undefined, chat: ChatDto, newest: string) => Promise<unknown>]>([
    ['fetching history', (_, { id }) => app.history(boris, id)],
    ['GET sync', () => app.request<SyncAnswer>('GET', 'sync', boris.token)],
    ['chat:join', (device, chat) => device!.send('chat:join', { chat_id: chat.id })],
    ['reading', (device, chat, newest) => read(device!, chat, newest)],
    [
      'acknowledging and then reading',
      async (device, chat, message_id) => {
        await device!.send('chat:message:delivered', { chat_id: chat.id, message_id });
        await read(device!, chat, message_id);
        await annaDevice.until(
          () => reads(annaDevice, chat).some((r) => r.startsWith(message_id)) || undefined,
        );
      },
    ],
    [
      'acknowledging',
      (device, chat, message_id) => device!.send('chat:message:delivered', { chat_id: chat.id, message_id }),
    ],
    [
      'acknowledging by REST',
      (_, chat, message_id) => app.request('POST', `chats/${chat.id}/delivered`, boris.token, { message_id }),
    ],
  ])('is reached by %s, once, however often it happens', async (way, deliver) => {
    const chat = await app.group(anna, boris);
    const ids = [await send(chat), await send(chat), await send(chat)];
    await annaDevice.settled();
    expect(deliveries(annaDevice, chat)).toEqual([]);
    const byDevice = !way.includes('history') && !way.includes('sync') && !way.includes('REST');
    const connect = async () => (byDevice ? await app.device(boris) : undefined);
    const device = await connect();
    await deliver(device, chat, ids[2]!);
    await hasReceived(annaDevice, chat, 3);
    device?.close();
    const again = await connect();
    await deliver(again, chat, ids[2]!);
    await app.history(boris, chat.id);
    await app.request('GET', 'sync', boris.token);
    const next = await send(chat);
    const last = again ?? (await app.device(boris));
    await deliver(last, chat, next);
    await last.send('chat:join', { chat_id: chat.id });
    await hasReceived(annaDevice, chat, 4);
    await annaDevice.settled();
    expect(deliveries(annaDevice, chat).sort()).toEqual(
      [...ids, next].map((id) => `${id} to ${boris.id}`).sort(),
    );
    last.close();
  });

  it('is not reached by sending a message', async () => {
    const chat = await app.group(anna, boris);
    await send(chat);
    // Until the recipients of the first message have been recorded.
    await sleep(60);
    const borisDevice = await app.device(boris);
    const answer = await send(chat, borisDevice);
    await borisDevice.until(
      () => deliveries(borisDevice, chat).includes(`${answer} to ${anna.id}`) || undefined,
    );
    await annaDevice.settled();
    expect(deliveries(annaDevice, chat)).toEqual([]);
    borisDevice.close();
  });

  it('is not reached by fetching an older page', async () => {
    const chat = await app.group(anna, boris);
    const ids = [await send(chat), await send(chat), await send(chat)];
    await app.history(boris, chat.id, 'before_seq=3&limit=1');
    await hasReceived(annaDevice, chat, 2);
    await annaDevice.settled();
    expect(deliveries(annaDevice, chat)).not.toContain(`${ids[2]} to ${boris.id}`);
  });

  it('is published for the 10,000 newest messages', async () => {
    const chat = await app.chat(anna, vera);
    await send(chat);
    await fill(chat, 10_100, 'now()');
    const newest = await send(chat);
    const veraDevice = await app.device(vera);
    await veraDevice.send('chat:join', { chat_id: chat.id });
    await hasReceived(annaDevice, chat, 1);
    expect(deliveries(annaDevice, chat)).toEqual([`${newest} to ${vera.id}`]);
    veraDevice.close();
  });
});

describe('read', () => {
  it('is published for messages far behind the delivered cursor', async () => {
    const chat = await app.chat(anna, boris);
    const first = await send(chat);
    await fill(chat, 1500);
    await app.rows('UPDATE chat_members SET last_delivered_seq = 1500 WHERE chat_id = $1', [chat.id]);
    const borisDevice = await app.device(boris);
    await read(borisDevice, chat, first);
    await annaDevice.until(() => reads(annaDevice, chat).length > 0 || undefined);
    expect(reads(annaDevice, chat)).toEqual([`${first} by ${boris.id}`]);
    borisDevice.close();
  });

  it('is published once to each sender for each message, oldest first, and never moves back', async () => {
    const chat = await app.group(anna, boris, vera);
    const [borisDevice, veraDevice] = await app.devices(boris, vera);
    const ids: string[] = [];
    for (const device of [annaDevice, annaDevice, borisDevice, annaDevice, borisDevice])
      ids.push(await send(chat, device));
    const ack = await read(veraDevice, chat, ids[4]!);
    expect(ack).toMatchObject({ status: 'ok', unread_count: 0 });
    await annaDevice.next('chat:message:read', ({ chat_id }) => chat_id === chat.id);
    await borisDevice.next('chat:message:read', ({ chat_id }) => chat_id === chat.id);
    const back = await read(veraDevice, chat, ids[0]!);
    expect([back.unread_count, back.read_at]).toEqual([0, ack.read_at]);
    await read(veraDevice, chat, ids[4]!);
    await read(borisDevice, chat, ids[3]!);
    await annaDevice.until(() => reads(annaDevice, chat).length >= 6 || undefined);
    await borisDevice.settled();
    const ofHers = [ids[0], ids[1], ids[3]];
    expect(reads(annaDevice, chat)).toEqual(
      [vera, boris].flatMap((by) => ofHers.map((id) => `${id} by ${by.id}`)),
    );
    expect(reads(borisDevice, chat)).toEqual([ids[2], ids[4]].map((id) => `${id} by ${vera.id}`));
    expect(reads(veraDevice, chat)).toEqual([]);
    borisDevice.close();
    veraDevice.close();
  });

  it('is published to the reader’s other devices', async () => {
    const chat = await app.group(anna, boris);
    const [phone, tablet] = await app.devices(boris, boris);
    const ids = [await send(chat), await send(chat), await send(chat)];
    await read(phone, chat, ids[1]!);
    const received = await tablet.next('chat:read', ({ chat_id }) => chat_id === chat.id);
    expect(received).toEqual({ chat_id: chat.id, last_read_seq: 2, unread_count: 1 });
    await read(phone, chat, ids[1]!);
    await read(phone, chat, ids[0]!);
    for (const device of [phone, tablet, annaDevice]) await device.settled();
    const readsOn = (device: Device) => device.all('chat:read').filter(({ chat_id }) => chat_id === chat.id);
    expect([readsOn(phone).length, readsOn(tablet).length, readsOn(annaDevice).length]).toEqual([0, 1, 0]);
    const body = { message_id: ids[2] };
    const { body: ack } = await app.request<ReadAck>('POST', `chats/${chat.id}/read`, boris.token, body);
    expect(ack.unread_count).toBe(0);
    for (const device of [phone, tablet])
      await device.next('chat:read', (event) => event.chat_id === chat.id && event.last_read_seq === 3);
    phone.close();
    tablet.close();
  });

  it('accepts only a message of that chat', async () => {
    const [chat, other] = [await app.group(anna, boris), await app.group(anna, boris)];
    const id = await send(other);
    const borisDevice = await app.device(boris);
    expect((await read(borisDevice, chat, id)).code).toBe('NOT_FOUND');
    expect((await read(borisDevice, chat, chat.id)).code).toBe('NOT_FOUND');
    borisDevice.close();
  });

  it('is correct when devices of many members read at once', async () => {
    const chat = await app.group(anna, boris, vera);
    const [phone, tablet, veraDevice] = await app.devices(boris, boris, vera);
    const ids: string[] = [];
    for (let i = 0; i < 20; i++) ids.push(await send(chat));
    await Promise.all(
      ids.flatMap((id) => [phone, tablet, veraDevice].map((device) => read(device, chat, id))),
    );
    const marks = await app.rows<{ last_read_seq: number }>(
      'SELECT last_read_seq FROM chat_members WHERE chat_id = $1',
      [chat.id],
    );
    expect(marks.map((mark) => mark.last_read_seq)).toEqual([20, 20, 20]);
    await annaDevice.until(
      () => new Set(reads(annaDevice, chat).filter((r) => r.startsWith(ids[19]!))).size === 2 || undefined,
    );
    await hasReceived(annaDevice, chat, 40);
    expect(new Set(deliveries(annaDevice, chat)).size).toBe(deliveries(annaDevice, chat).length);
  });
});
