import { MAX_RECEIPT_MEMBERS, type SyncAnswer } from '#contracts';
import {
  describePlans,
  FILL_USERS,
  filledUser,
  fullScans,
  numbered,
  text,
  type Account,
  type Device,
  type PlannedApp,
  type TestApp,
} from '#testing';
import type { Client } from 'pg';

const CHATS = 20_000;
/** The number of chats with messages. */
const BUSY = 3000;

const chat = (number: string) => numbered('c', number);
const member = (number: string) => filledUser(`c * 7 + ${number} * 1000`);

/** Common and rare, of several words, short, and without any letter. */
const SEARCHES = [
  ...['somebody 42', 'so', '4242 somebody', '@somebody_77', 'somebody', 'q', 'qz', 'q somebody', 'qz 42'],
  ...['🌸', '% somebody', '🌸 qz', ''],
];

/** Chats of three with 33 messages each: enough that reading a whole table is a mistake. */
const FILL = [
  FILL_USERS,
  `INSERT INTO sessions (id, user_id, expires_at)
   SELECT gen_random_uuid(), id, now() + interval '1 day' FROM users`,
  `INSERT INTO chats (id, type, member_count, last_seq, change_seq)
   SELECT ${chat('c')}, 'group', 3, 33, 33 FROM generate_series(1, ${CHATS}) AS c`,
  `INSERT INTO chat_members (chat_id, user_id)
   SELECT ${chat('c')}, ${member('m')} FROM generate_series(1, ${CHATS}) AS c, generate_series(0, 2) AS m`,
  // As many former members.
  `INSERT INTO chat_members (chat_id, user_id, left_at, left_seq)
   SELECT ${chat('c')}, ${member('m')}, now(), 1 FROM generate_series(1, ${CHATS}) AS c, generate_series(3, 5) AS m`,
  `INSERT INTO messages (id, chat_id, seq, sender_id, type, content, client_id, change_seq, created_at, deleted_at, pinned_at)
   SELECT gen_random_uuid(), ${chat('c')}, s, ${member('s % 3')}, 'text', 'message ' || s, 'c' || s,
     CASE s % 10 WHEN 0 THEN s ELSE 0 END, now(), CASE s % 10 WHEN 0 THEN now() END,
     CASE s % 10 WHEN 1 THEN now() END
   FROM generate_series(1, ${BUSY}) AS c, generate_series(1, 33) AS s`,
  `INSERT INTO message_reactions (message_id, user_id, emoji)
   SELECT id, sender_id, '👍' FROM messages WHERE seq % 10 = 1`,
  `INSERT INTO blocks (blocker_id, blocked_id)
   SELECT ${filledUser('i')}, ${filledUser('i + 1')} FROM generate_series(1, ${CHATS}) AS i`,
];

const GROWS = 'sends and views whose plans were made for empty tables use the keys after they have grown';
describePlans('chat requests in a database that grows', [], [{ title: GROWS, run: workWhileTablesGrow }]);

describePlans('chat requests in a database of 100,000 messages', FILL, [
  {
    title: 'read no whole table',
    uses: [
      ...['chats', 'chat_members', 'messages', 'users'],
      ...['users_search_idx', 'users_name_idx', 'users_masters_idx', 'users_handle_key'],
      ...['chat_members_chats_idx', 'chat_members_present_idx', 'chat_members_left_idx'],
    ],
    async run({ app, plans, admin }) {
      const { rows } = await admin.query<{ id: string }>(
        'SELECT id FROM chats ORDER BY id LIMIT 1 OFFSET 1500',
      );
      await playThrough(app, admin, rows[0]!.id);
      expect(plans.length).toBeGreaterThan(50);
      // The members of a whole chat, also former ones.
      expect(plans.join('\n')).not.toMatch(
        /chat_members_pkey on chat_members [^(]*\([^)]*\) Index Cond: (?!\(\(chat_id = [^)]*\) AND \(user_id)/,
      );
      // The members of a large group are read once for all messages whose receipts are counted.
      const counts = plans.filter((plan) => plan.includes('width_bucket'));
      expect(counts).not.toEqual([]);
      for (const plan of counts) {
        expect(plan.match(/ on chat_members /g)).toHaveLength(1);
        expect(plan).toMatch(/CTE members -> (?:(?! CTE ).)+ chat_members_present_idx /);
        expect(plan.match(/Index Cond: \(\(blocker_id = \S+ AND \(blocked_id = ANY /g)).toHaveLength(2);
      }
      // A condition without a trigram reads the whole index.
      for (const plan of plans.filter((one) => one.includes('users_search_idx')))
        expect(plan).toMatch(/users_search_idx \S+ \S+ \S+ Index Cond: .*~~ '%( \w|[^']*\w{3})/);
    },
  },
]);

/** All queries about chats, in a filled chat that Anna and Boris join, and in new ones. */
async function playThrough(app: TestApp, admin: Client, chatId: string): Promise<void> {
  const [anna, boris, vera] = await app.people('Anna Plan', 'Boris Plan', 'Vera Plan');
  await admin.query(
    `INSERT INTO chat_members (chat_id, user_id, role) VALUES ($1, $2, 'owner'), ($1, $3, 'member')`,
    [chatId, anna.id, boris.id],
  );
  await admin.query(
    `INSERT INTO chat_members (chat_id, user_id) SELECT id, $1 FROM chats ORDER BY id LIMIT 40`,
    [boris.id],
  );
  const [annaDevice, borisDevice] = await app.devices(anna, boris);
  const direct = await app.chat(anna, boris);
  const group = await app.group(anna, boris);
  const manyPeople = (await app.manyPeople(MAX_RECEIPT_MEMBERS)).map((id) => ({ id }));
  const large = await app.group(anna, boris, ...manyPeople);
  await annaDevice.send('chat:message:send', text(large));
  const filled = { id: chatId };
  const ack = await annaDevice.send('chat:message:send', text(filled, 'x', { client_id: 'mine' }));
  const message_id = ack.message_id;
  await annaDevice.send('chat:message:send', text(filled, 'x', { client_id: 'mine', reply_to: message_id }));
  await Promise.all([filled, direct, group].map((to) => annaDevice.send('chat:message:send', text(to))));
  await changes(annaDevice, borisDevice, chatId, message_id);
  await reads(app, boris, chatId);
  const { cursor } = await app.ask<SyncAnswer>(anna, 'GET sync');
  await app.ask(anna, `POST chats/${chatId}/members`, { user_ids: [vera.id] });
  await app.ask(anna, `PATCH chats/${chatId}`, { title: 'planned' });
  await app.ask(anna, `PATCH chats/${chatId}/members/${vera.id}`, { role: 'admin' });
  await app.ask(anna, `PATCH chats/${group.id}/members/${boris.id}`, { role: 'owner' });
  await app.ask(anna, `GET chats/${chatId}/messages/${message_id}/receipts`);
  await app.ask(anna, `DELETE chats/${group.id}/members/${anna.id}`);
  await app.ask(anna, `GET sync?cursor=${cursor}`);
  await app.ask(anna, `GET chats/${group.id}/messages`);
  await app.ask(anna, `DELETE chats/${chatId}/members/${vera.id}`);
  // Also the work that follows a moment later: deliveries, presence.
  await annaDevice.next('chat:message:delivered', ({ chat_id }) => chat_id === large.id);
  borisDevice.close();
  await annaDevice.next('chat:message:delivered', ({ chat_id }) => chat_id === direct.id);
}

async function changes(
  firstDevice: Device,
  secondDevice: Device,
  chat_id: string,
  message_id: string,
): Promise<void> {
  for (const { status } of [
    await firstDevice.send('chat:message:edit', { message_id, content: 'y' }),
    await secondDevice.send('chat:message:react', { message_id, emoji: '👍', on: true }),
    await secondDevice.send('chat:join', { chat_id }),
    await secondDevice.send('chat:message:delivered', { message_id, chat_id }),
    await secondDevice.send('chat:message:read', { message_id, chat_id }),
    await secondDevice.send('chat:typing', { is_typing: true, chat_id }),
    await firstDevice.send('chat:message:pin', { message_id }),
    await secondDevice.send('chat:pins', { chat_id }),
    await firstDevice.send('chat:message:forward', {
      message_ids: [message_id],
      to_chat_id: chat_id,
      comment: 'x',
    }),
    await firstDevice.send('chat:message:forward', {
      message_ids: [message_id],
      to_chat_id: chat_id,
      client_id: 'f',
    }),
    await firstDevice.send('chat:message:forward', {
      message_ids: [message_id],
      to_chat_id: chat_id,
      client_id: 'f',
    }),
    await secondDevice.send('chat:mute', { chat_id, muted: true }),
    await secondDevice.send('chat:archive', { chat_id, archived: true }),
    await firstDevice.send('chat:message:unpin', { message_id }),
    await firstDevice.send('chat:message:delete', { message_id }),
    await secondDevice.send('users:list', {}),
  ])
    expect(['ok', 'joined']).toContain(status);
  for (const query of SEARCHES) {
    const { status } = await secondDevice.send('users:list', { query, is_master: query === '' || undefined });
    expect([query, status]).toEqual([query, 'ok']);
  }
}

async function reads(app: TestApp, reader: Account, id: string): Promise<void> {
  const { cursor } = await app.ask<SyncAnswer>(reader, 'GET sync');
  for (const path of [
    `sync?cursor=${cursor}`,
    'chats',
    'chats?archived=true',
    `chats/${id}`,
    `chats/${id}/members`,
    `chats/${id}/messages`,
    `chats/${id}/messages?before_seq=20`,
    `chats/${id}/messages?after_seq=5&limit=10`,
    `chats/${id}/messages/search?query=message`,
    `chats/${id}/changes?after_change_seq=3`,
    'users/me',
  ])
    await app.ask(reader, `GET ${path}`);
}

async function workWhileTablesGrow({ app, plans, admin }: PlannedApp): Promise<void> {
  const [anna, boris] = await app.people('Anna Plan', 'Boris Plan');
  const chat = await app.chat(anna, boris);
  const [annaDevice] = await app.devices(anna);
  // New messages and repeated ones, by the statement with a lookup of earlier sends and the one without.
  let sent = 0;
  const sendSome = async () => {
    for (let i = 0; i < 40; i++)
      for (const client_id of [`new ${sent++}`, 'again']) {
        const { message_id } = await annaDevice.send('chat:message:send', text(chat, 'x', { client_id }));
        await annaDevice.send('chat:message:forward', {
          message_ids: [message_id],
          to_chat_id: chat.id,
        });
      }
  };
  const viewSome = async () => {
    for (let i = 0; i < 20; i++) await app.ask(anna, 'GET chats');
  };
  await sendSome();
  await viewSome();
  for (const sql of FILL) await admin.query(sql);
  await sendSome();
  await viewSome();
  const views = plans.filter((plan) => plan.includes('WITH ORDINALITY AS r(user_id'));
  expect(views.length).toBeGreaterThanOrEqual(120);
  expect(fullScans(views, FILL)).toEqual([]);
  const sends = plans.filter((plan) => plan.includes('Insert on messages'));
  expect(sends.length).toBeGreaterThanOrEqual(320);
  expect(fullScans(sends, FILL)).toEqual([]);
  const last = (forwards: boolean) => sends.findLast((plan) => plan.includes('forwarded_from') === forwards)!;
  for (const keyed of [
    /chat_members_(?:pkey|present_idx) on chat_members \S+ \S+ \S+ Index Cond: \(\(chat_id = \S+ AND \(user_id = /,
    /users_pkey on users \S+ \S+ \S+ Index Cond: \(id = /,
    /on messages \S+ \S+ \S+ Index Cond: \(\(chat_id = \S+ AND \(sender_id = \S+ AND \(client_id = /,
    /messages_pkey on messages \S+ \S+ \S+ \S+ Index Cond: \(id = /,
  ])
    for (const plan of [last(true), last(false)]) expect(plan).toMatch(keyed);
}
