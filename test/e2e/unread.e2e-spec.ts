import type { ChatDto, ChatPage, SyncAnswer } from '#contracts';
import { PrismaService } from '#platform';
import { Device, TestApp, text, until, type Account } from '#testing';
import fc from 'fast-check';

let app: TestApp;
let anna: Account;
let boris: Account;
let devices: Map<Account, Device>;
beforeAll(async () => {
  app = await TestApp.start();
  [anna, boris] = await app.people('Анна', 'Борис');
  const [annaDevice, borisDevice] = await app.devices(anna, boris);
  devices = new Map([
    [anna, annaDevice],
    [boris, borisDevice],
  ]);
});
afterAll(() => app.stop());

/** A user's unread count of a chat. Every place that shows it must agree. */
async function unreadOf(account: Account, { id }: ChatDto): Promise<number> {
  const [list, sync, chat, join] = await Promise.all([
    app.request<ChatPage>('GET', 'chats?limit=200', account.token),
    app.request<SyncAnswer>('GET', 'sync', account.token),
    app.request<ChatDto>('GET', `chats/${id}`, account.token),
    devices.get(account)!.send('chat:join', { chat_id: id }),
  ]);
  const counts = [
    list.body.items.find((item) => item.id === id)!.unread_count,
    sync.body.chats.find((item) => item.id === id)!.unread_count,
    chat.body.unread_count,
    join.unread_count,
  ];
  expect(new Set(counts).size).toBe(1);
  return counts[0]!;
}

it('the unread count covers others’ unread and undeleted messages after any sends, reads, deletions and returns', async () => {
  const who = fc.constantFrom('anna', 'boris');
  const step = fc.oneof(
    { weight: 5, arbitrary: fc.record({ act: fc.constant('send'), who, at: fc.constant(0) }) },
    { weight: 2, arbitrary: fc.record({ act: fc.constant('read'), who, at: fc.nat(30) }) },
    { weight: 2, arbitrary: fc.record({ act: fc.constant('delete'), who, at: fc.nat(30) }) },
    {
      weight: 1,
      arbitrary: fc.record({ act: fc.constant('rejoin'), who: fc.constant('boris'), at: fc.constant(0) }),
    },
  );
  const property = fc.asyncProperty(fc.array(step, { minLength: 8, maxLength: 25 }), async (steps) => {
    const chat = await app.group(anna, boris);
    const messages: { id: string; sender: Account; deleted: boolean }[] = [];
    const readUpTo = new Map([
      [anna, 0],
      [boris, 0],
    ]);
    const expected = (account: Account) =>
      messages.filter((m, i) => i >= readUpTo.get(account)! && m.sender !== account && !m.deleted).length;
    for (const { act, who, at } of steps) {
      const account = who === 'anna' ? anna : boris;
      const device = devices.get(account)!;
      const index = messages.length > 0 ? at % messages.length : -1;
      const message = messages[index];
      if (act === 'send') {
        const { message_id } = await device.send('chat:message:send', text(chat));
        messages.push({ id: message_id, sender: account, deleted: false });
      } else if (act === 'read' && message) {
        readUpTo.set(account, Math.max(readUpTo.get(account)!, index + 1));
        const payload = { chat_id: chat.id, message_id: message.id };
        expect((await device.send('chat:message:read', payload)).unread_count).toBe(expected(account));
      } else if (act === 'delete' && message && !message.deleted) {
        await devices.get(message.sender)!.send('chat:message:delete', { message_id: message.id });
        message.deleted = true;
      } else if (act === 'rejoin') {
        await app.request('DELETE', `chats/${chat.id}/members/${boris.id}`, anna.token);
        await app.request('POST', `chats/${chat.id}/members`, anna.token, { user_ids: [boris.id] });
        readUpTo.set(boris, messages.length);
      }
    }
    for (const account of [anna, boris]) expect(await unreadOf(account, chat)).toBe(expected(account));
  });
  await fc.assert(property, { numRuns: 12, interruptAfterTimeLimit: 15_000, endOnFailure: true });
});

it('the unread count is unchanged by a send with unread messages, and stays zero by a send without', async () => {
  const chat = await app.chat(anna, boris);
  const send = (account: Account) => devices.get(account)!.send('chat:message:send', text(chat));
  await send(anna);
  await send(anna);
  expect(await unreadOf(boris, chat)).toBe(2);
  await send(boris);
  expect([await unreadOf(anna, chat), await unreadOf(boris, chat)]).toEqual([1, 2]);
  await Promise.all([send(anna), send(boris), send(anna), send(boris)]);
  expect([await unreadOf(anna, chat), await unreadOf(boris, chat)]).toEqual([3, 4]);
});

it('the unread count is zero for a member who wrote with unread messages, was removed and is added again', async () => {
  const chat = await app.group(anna, boris);
  for (const account of [anna, boris, boris])
    await devices.get(account)!.send('chat:message:send', text(chat));
  expect(await unreadOf(boris, chat)).toBe(1);
  await app.request('DELETE', `chats/${chat.id}/members/${boris.id}`, anna.token);
  await app.request('POST', `chats/${chat.id}/members`, anna.token, { user_ids: [boris.id] });
  expect(await unreadOf(boris, chat)).toBe(0);
});

it('the unread count is zero for a new member, whatever was sent before', async () => {
  const [late] = await app.people('Вера');
  const chat = await app.group(anna, boris);
  const firstDevice = devices.get(anna)!;
  for (let i = 0; i < 3; i++) await firstDevice.send('chat:message:send', text(chat));
  const added = await app.request<ChatDto>('POST', `chats/${chat.id}/members`, anna.token, {
    user_ids: [late.id],
  });
  expect(added.status).toBe(201);
  devices.set(late, await app.device(late));
  expect(await unreadOf(late, chat)).toBe(0);
  await firstDevice.send('chat:message:send', text(chat));
  expect(await unreadOf(late, chat)).toBe(1);
});

/** Adds messages of Anna; every hundredth is Boris's, if he writes. He has read none. */
async function history(chat: ChatDto, length: number, { writes = false, deletes = false }): Promise<void> {
  const hasOwn = writes ? 100 : 1_000_000;
  await app.rows(
    `INSERT INTO messages (id, chat_id, seq, sender_id, type, content, created_at, deleted_at)
     SELECT gen_random_uuid(), $1, seq, CASE WHEN seq % $5 = 0 THEN $3::uuid ELSE $2::uuid END, 'text', '', now(),
       CASE WHEN $6 THEN now() END
     FROM generate_series(1, $4::int) AS seq`,
    [chat.id, anna.id, boris.id, length, hasOwn, deletes],
  );
  await app.rows('UPDATE chats SET last_seq = $2 WHERE id = $1', [chat.id, length]);
  await app.rows('UPDATE chat_members SET own_after_read = $3 WHERE chat_id = $1 AND user_id = $2', [
    chat.id,
    boris.id,
    Math.floor(length / hasOwn),
  ]);
}

it('the unread count scans at most 1,000 deleted messages, one’s own included', async () => {
  const chat = await app.group(anna, boris);
  await history(chat, 1010, { deletes: true });
  expect(await unreadOf(boris, chat)).toBe(10);
  const another = await app.group(anna, boris);
  await history(another, 1200, { writes: true, deletes: true });
  expect(await unreadOf(boris, another)).toBe(198);
});

it('the unread count delays no send while it is counted for a read cursor', async () => {
  const chat = await app.group(anna, boris);
  const [firstDevice, secondDevice] = [devices.get(anna)!, devices.get(boris)!];
  const { message_id } = await firstDevice.send('chat:message:send', text(chat));
  const prisma = app.app.get(PrismaService);
  const query = prisma.$queryRaw.bind(prisma) as (sql: { join(by: string): string }) => Promise<unknown>;
  let goOn!: () => void;
  const late = new Promise<void>((resolve) => (goOn = resolve));
  let isCounting = false;
  const spy = jest.spyOn(prisma, '$queryRaw').mockImplementation((async (
    ...args: Parameters<typeof query>
  ) => {
    if (/^\s*SELECT r\.ord/.test(args[0].join(''))) {
      isCounting = true;
      await late;
    }
    return query(...args);
  }) as never);
  const read = secondDevice.send('chat:message:read', { chat_id: chat.id, message_id });
  await until('it is counted', () => isCounting);
  expect((await firstDevice.send('chat:message:send', text(chat))).status).toBe('sent');
  goOn();
  expect((await read).unread_count).toBe(1);
  spy.mockRestore();
});

it('the unread count is exact when a read cursor moves far, in steps of 10,000 messages', async () => {
  const chat = await app.group(anna, boris);
  await history(chat, 25_000, { writes: true });
  const [{ id: message_id }] = (await app.rows<{ id: string }>(
    'SELECT id FROM messages WHERE chat_id = $1 AND seq = 23999',
    [chat.id],
  )) as [{ id: string }];
  const [firstDevice, secondDevice] = [devices.get(anna)!, devices.get(boris)!];
  const tablet = await app.device(boris);
  const changes = async () => (await app.rows('SELECT change_seq FROM chats WHERE id = $1', [chat.id]))[0];
  const read = await secondDevice.send('chat:message:read', { chat_id: chat.id, message_id });
  expect([read.unread_count, await unreadOf(boris, chat)]).toEqual([990, 990]);
  await tablet.next('chat:read', ({ chat_id }) => chat_id === chat.id);
  expect(tablet.all('chat:read').map(({ last_read_seq }) => last_read_seq)).toEqual([23_999]);
  await firstDevice.next('chat:message:read', (receipt) => receipt.message_id === message_id);
  const receipts = firstDevice.all('chat:message:read').filter(({ chat_id }) => chat_id === chat.id);
  const received = receipts.map((receipt) => receipt.message_id);
  expect([received.length, new Set(received).size]).toEqual([1000, 1000]);
  expect(await changes()).toEqual({ change_seq: 4 });
});

it('read cursors that move far together pass at most 20,000 messages in a statement', async () => {
  const chats = await Promise.all(Array.from({ length: 5 }, () => app.group(anna, boris)));
  for (const chat of chats) await history(chat, 10_001, { writes: true });
  const last = await app.rows<{ chat_id: string; message_id: string }>(
    'SELECT chat_id, id AS message_id FROM messages WHERE chat_id = ANY($1) AND seq = 10000',
    [chats.map(({ id }) => id)],
  );
  const passed: number[] = [];
  let counted = 0;
  const prisma = app.app.get(PrismaService);
  const query = prisma.$queryRaw.bind(prisma) as (...args: unknown[]) => Promise<object[]>;
  const spy = jest.spyOn(prisma, '$queryRaw').mockImplementation((async (...args: unknown[]) => {
    const rows = await query(...args);
    counted += rows.filter((row) => 'ord' in row && 'unread_count' in row).length;
    const moves = rows.map((row) => row as { old_read?: number; new_read?: number });
    passed.push(moves.reduce((sum, { old_read = 0, new_read = 0 }) => sum + new_read - old_read, 0));
    return rows;
  }) as never);
  const device = devices.get(boris)!;
  const read = await Promise.all(last.map((message) => device.send('chat:message:read', message)));
  spy.mockRestore();
  expect(read.map(({ unread_count }) => unread_count)).toEqual(chats.map(() => 1));
  expect(passed.reduce((sum, one) => sum + one)).toBe(5 * 10_000);
  expect(Math.max(...passed)).toBeLessThanOrEqual(20_000);
  expect(counted).toBe(5);
});
