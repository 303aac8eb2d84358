import { SyncAnswer, type ChatDto } from '#contracts';
import {
  DatabaseSession,
  contractErrors,
  createTestDatabase,
  Device,
  TestApp,
  text,
  type Account,
} from '#testing';

let app: TestApp;
let anna: Account;
let boris: Account;
let annaDevice: Device;
beforeAll(async () => {
  app = await TestApp.start();
  [anna, boris] = await app.people('Анна', 'Борис');
  [annaDevice] = await app.devices(anna);
});
afterAll(() => app.stop());

const sync = async (account: Account, cursor?: string, on = app) => {
  const path = cursor === undefined ? 'sync' : `sync?cursor=${encodeURIComponent(cursor)}`;
  const { status, body } = await on.request<SyncAnswer>('GET', path, account.token);
  if (status === 200) expect(contractErrors(SyncAnswer, body)).toEqual([]);
  return body;
};
const ids = ({ chats }: SyncAnswer) => chats.map(({ id }) => id).sort();
const send = (chat: ChatDto) => annaDevice.send('chat:message:send', text(chat));

it('sync returns everything without a cursor, and every kind of change with one', async () => {
  const [me] = await app.people('Вера');
  const chats = await Promise.all([1, 2, 3].map(() => app.group(anna, me)));
  const [first, second] = chats as [ChatDto, ChatDto];
  const { message_id } = await send(first);
  const all = await sync(me);
  expect(ids(all)).toEqual(chats.map(({ id }) => id).sort());
  expect(all.chats.find(({ id }) => id === first.id)).toMatchObject({ last_seq: 1, unread_count: 1 });
  expect(all.notifications).toEqual({ unread_count: 0, items: [] });
  let { cursor } = await sync(me, all.cursor);
  for (const [change, chat] of [
    [() => send(second), second],
    [() => annaDevice.send('chat:message:edit', { message_id, content: 'edited' }), first],
    [() => annaDevice.send('chat:message:react', { message_id, emoji: '👍', on: true }), first],
    [() => app.request('POST', `chats/${first.id}/read`, me.token, { message_id }), first],
    [() => app.request('PATCH', `chats/${second.id}`, anna.token, { title: 'New' }), second],
    [() => annaDevice.send('chat:message:delete', { message_id }), first],
  ] as const) {
    await change();
    const next = await sync(me, cursor);
    expect(ids(next)).toEqual([chat.id]);
    // The chats it returned are now marked as delivered, and that is no change.
    const again = await sync(me, next.cursor);
    expect(ids(again)).toEqual([]);
    cursor = again.cursor;
  }
});

it('sync misses no transaction that began before the cursor and committed after it', async () => {
  const [me] = await app.people('Вера');
  const [slow, quick] = await Promise.all([app.group(anna, me), app.group(anna, me)]);
  const start = await sync(me);
  const late = await DatabaseSession.at(app.databaseUrl);
  try {
    await late.query('BEGIN');
    await late.query(`UPDATE chats SET last_seq = 1, changed_xid = pg_current_xact_id() WHERE id = $1`, [
      slow.id,
    ]);
    await late.query(
      `INSERT INTO messages (id, chat_id, seq, sender_id, type, content, created_at)
       VALUES (gen_random_uuid(), $1, 1, $2, 'text', 'late', now())`,
      [slow.id, anna.id],
    );
    await send(quick);
    const meanwhile = await sync(me, start.cursor);
    expect(ids(meanwhile)).toEqual([quick.id]);
    const still = await sync(me, meanwhile.cursor);
    await late.query('COMMIT');
    const after = await sync(me, still.cursor);
    expect(after.chats).toMatchObject([{ id: slow.id, last_seq: 1, unread_count: 1 }]);
    expect(ids(await sync(me, after.cursor))).toEqual([]);
  } finally {
    await late.end();
  }
});

it('sync converges from cursor to cursor while messages are sent', async () => {
  const [me] = await app.people('Вера');
  const chats = await Promise.all(Array.from({ length: 5 }, () => app.group(anna, me)));
  let { cursor } = await sync(me);
  const known = new Map<string, number>();
  let sending = true;
  const sends = Promise.all(Array.from({ length: 100 }, (_, i) => send(chats[i % 5]!))).then(
    () => (sending = false),
  );
  for (let last = false; !last;) {
    last = !sending;
    const next = await sync(me, cursor);
    for (const { id, last_seq } of next.chats) known.set(id, last_seq);
    cursor = next.cursor;
  }
  await sends;
  expect([...known.values()]).toEqual([20, 20, 20, 20, 20]);
});

it('sync returns a chat that the user left once, and again on return', async () => {
  const [me] = await app.people('Вера');
  const chat = await app.group(anna, boris, me);
  const first = await sync(me);
  await send(chat);
  await app.request('DELETE', `chats/${chat.id}/members/${me.id}`, anna.token);
  await send(chat);
  expect(ids(await sync(me))).toEqual([]);
  const gone = await sync(me, first.cursor);
  expect(gone.chats).toEqual([{ id: chat.id, last_seq: 1, change_seq: 0, unread_count: 0, left: true }]);
  await send(chat);
  const away = await sync(me, gone.cursor);
  expect(ids(away)).toEqual([]);
  await app.request('POST', `chats/${chat.id}/members`, anna.token, { user_ids: [me.id] });
  const [back] = (await sync(me, away.cursor)).chats;
  expect(back).toMatchObject({ id: chat.id, last_seq: 3, unread_count: 0 });
  expect(back).not.toHaveProperty('left');
});

it('sync returns the other chats when the user leaves one meanwhile', async () => {
  const [me] = await app.people('Вера');
  const [left, kept] = await Promise.all([app.group(anna, me), app.group(anna, me)]);
  await send(left);
  await send(kept);
  const leaving = await DatabaseSession.at(app.databaseUrl);
  try {
    await leaving.query('BEGIN');
    await leaving.query('SELECT FROM chats WHERE id = $1 FOR UPDATE', [left.id]);
    await leaving.query('UPDATE chat_members SET left_at = now() WHERE chat_id = $1 AND user_id = $2', [
      left.id,
      me.id,
    ]);
    const answer = sync(me);
    await leaving.somebodyWaits();
    await leaving.query('COMMIT');
    expect((await answer).chats).toMatchObject([{ id: kept.id, last_seq: 1, unread_count: 1 }]);
  } finally {
    await leaving.end();
  }
});

it('sync pages through more than 500 chats, also those that change meanwhile', async () => {
  const [me] = await app.people('Вера');
  await app.rows(
    `WITH made AS (
       INSERT INTO chats (id, type, member_count) SELECT gen_random_uuid(), 'group', 2 FROM generate_series(1, 1203) RETURNING id
     ), joined AS (INSERT INTO chat_members (chat_id, user_id) SELECT id, $1 FROM made)
     INSERT INTO chat_members (chat_id, user_id) SELECT id, $2 FROM made`,
    [me.id, anna.id],
  );
  const all = await app.rows<{ id: string }>(
    'SELECT chat_id AS id FROM chat_members WHERE user_id = $1 ORDER BY 1',
    [me.id],
  );
  const everything = async (cursor?: string) => {
    const pages: SyncAnswer[] = [];
    do {
      pages.push(await sync(me, pages.at(-1)?.cursor ?? cursor));
      if (pages.length === 1)
        await app.rows('UPDATE chats SET title = $2, changed_xid = pg_current_xact_id() WHERE id = $1', [
          all[0]!.id,
          'changed',
        ]);
    } while (pages.at(-1)!.chats.length === 500);
    return { pages, cursor: pages.at(-1)!.cursor, ids: pages.flatMap((page) => ids(page)) };
  };
  const first = await everything();
  expect(first.pages.map(({ chats }) => chats.length)).toEqual([500, 500, 203]);
  expect(first.ids.sort()).toEqual(all.map(({ id }) => id));
  // It changed after its page was read, so the next round returns it again.
  const second = await everything(first.cursor);
  expect(second.ids).toEqual([all[0]!.id]);
});

describe('a cursor', () => {
  const cursorOf = (...keys: unknown[]) => Buffer.from(JSON.stringify(keys)).toString('base64url');

  it('of another database makes the sync start again, and says so', async () => {
    const { cursor } = await sync(anna);
    const [database, ...rest] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as [string];
    const reset = await sync(anna, cursorOf(`${database}1`, ...rest));
    expect(reset.reset).toBe(true);
    expect(ids(reset)).toEqual(ids(await sync(anna)));
    const another = await createTestDatabase();
    const elsewhere = await TestApp.start({ DATABASE_URL: another.url });
    const stranger = await elsewhere.register();
    expect(await sync(stranger, cursor, elsewhere)).toMatchObject({ reset: true, chats: [] });
    await elsewhere.stop();
    await another.drop();
  });

  it('that the server did not issue is INVALID_DATA', async () => {
    const { cursor } = await sync(anna);
    const [database] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as [string];
    for (const bad of [
      'garbage',
      cursor.slice(0, -6),
      cursorOf(),
      cursorOf(database, '', ''),
      cursorOf(database, 1, '', ''),
      cursorOf(database, 'x', '', ''),
      cursorOf(database, '10:5:', '', ''),
      cursorOf(database, '5:10:20', '', ''),
      cursorOf(database, '5:10:8,7', '', ''),
      cursorOf(database, '0:0:', '', ''),
      cursorOf(database, '', '', 'no id'),
      cursorOf(database, '', '', '-'.repeat(36)),
      cursorOf(database, `'; --`, '', ''),
      cursorOf(database, '5:10:', '99:1:', ''),
      cursorOf(database, '999999999999999999:999999999999999999:', '', '').repeat(30),
    ]) {
      const { code } = (await sync(anna, bad)) as { code?: string };
      expect([bad, code]).toEqual([bad, 'INVALID_DATA']);
    }
    expect(ids(await sync(anna, ''))).toEqual(ids(await sync(anna)));
  });
});
