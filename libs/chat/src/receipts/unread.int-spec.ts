import { PrismaService, ViewPool } from '#platform';
import { Presence } from '#presence';
import { TestApp, type Account } from '#testing';
import { ChatViews } from '../conversations/chat-views.js';

let app: TestApp;
let views: ChatViews;
let anna: Account;
let manyPeople: string[];
beforeAll(async () => {
  app = await TestApp.start();
  views = app.app.get(ChatViews);
  anna = await app.register('Анна');
  manyPeople = await app.manyPeople(40);
});
afterAll(() => app.stop());

/** A group with this many deleted messages: Anna's, and each third one of another member. */
async function group(deleted: number): Promise<string> {
  const { id } = await app.group(anna, ...manyPeople.map((id) => ({ id })));
  await app.rows(
    `INSERT INTO messages (id, chat_id, seq, sender_id, type, content, created_at, deleted_at)
     SELECT gen_random_uuid(), $1, seq, CASE WHEN seq % 3 = 0 THEN ($3::uuid[])[1 + seq % 40] ELSE $2::uuid END, 'text', '', now(),
       CASE WHEN seq % 5 > 0 THEN now() END FROM generate_series(1, $4::int) AS seq`,
    [id, anna.id, manyPeople, deleted],
  );
  await app.rows('UPDATE chats SET last_seq = $2 WHERE id = $1', [id, deleted]);
  return id;
}

async function unreadOfAll(views: ChatViews, chatId: string): Promise<Record<string, number>> {
  const unread: Record<string, number> = {};
  for await (const { chat, userIds } of views.ofMembers(chatId))
    for (const id of userIds) unread[id] = chat.unread_count;
  return unread;
}

it('reads each deletion once for all members', async () => {
  const id = await group(1000);
  const [row] = await app.app.get(PrismaService).$transaction(async (tx) => {
    await unreadOfAll(new ChatViews(tx as PrismaService, app.app.get(ViewPool), app.app.get(Presence)), id);
    return tx.$queryRaw<{ read: number }[]>`
      SELECT (seq_tup_read + idx_tup_fetch)::int AS read FROM pg_stat_xact_user_tables WHERE relname = 'messages'`;
  });
  expect(row!.read).toBeGreaterThan(800);
  expect(row!.read).toBeLessThan(5000);
});

it('gives other work turns while members see the chat differently', async () => {
  const id = await group(1);
  await app.rows(
    `UPDATE chat_members SET muted_until = now() + random() * interval '1 year' WHERE chat_id = $1`,
    [id],
  );
  let turns: number | undefined;
  const count = () => {
    turns = (turns ?? 0) + 1;
    counting = setImmediate(count);
  };
  let counting: NodeJS.Immediate | undefined;
  let seen = 0;
  for await (const _ of views.ofMembers(id)) {
    counting ??= setImmediate(count);
    seen += 1;
  }
  clearImmediate(counting);
  expect([seen, turns]).toEqual([41, 4]);
});

it.each([1000, 13_000])(
  'is the same in the view of all as in that of each, with %s messages',
  async (length) => {
    const id = await group(length);
    await app.rows(
      `UPDATE chat_members p SET last_read_seq = n.place * $2,
       own_after_read = (SELECT count(*) FROM messages m WHERE m.chat_id = p.chat_id AND m.sender_id = p.user_id AND m.seq > n.place * $2)
     FROM (SELECT user_id, row_number() OVER (ORDER BY user_id) - 1 AS place FROM chat_members WHERE chat_id = $1) n
     WHERE p.chat_id = $1 AND p.user_id = n.user_id`,
      [id, length / 40],
    );
    const asked = [anna.id, ...manyPeople].map((userId) => ({ userId, chatId: id }));
    const each = (await views.ofEach(asked)).map(({ userId, chat }) => [userId, chat.unread_count]);
    expect(await unreadOfAll(views, id)).toEqual(Object.fromEntries(each));
  },
);
