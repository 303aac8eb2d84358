import { until, type Platform } from '#testing';
import type { Phone } from './phone.js';

/** A job of a dead worker waits for the end of its lock, a job that Redis lost for the next round, ms. */
const TOLD_WITHIN_MS = 180_000;

interface Stored {
  id: string;
  seq: number;
  chat_id: string;
  sender_id: string;
  client_id: string;
  content: string;
  change_seq: number;
}

/**
 * The state after any fault, once the phones have caught up. Each acknowledged message is stored once, as
 * acknowledged and in the order of its sender. Chats have no gaps. Every member's phone shows the stored messages,
 * and nobody else's shows any. Each notification exists once. Processes that died by themselves fail the cluster's
 * stop.
 */
export async function expectNothingLost(
  platform: Platform,
  phones: Phone[],
  causes?: string[],
): Promise<void> {
  await Promise.all(phones.map((phone) => phone.resync()));
  const stored = await platform.rows<Stored>(
    `SELECT id, seq, chat_id, sender_id, client_id, content, change_seq FROM messages ORDER BY chat_id, seq`,
  );
  const chats = groupBy(stored, ({ chat_id }) => chat_id);
  expectNoGaps([...chats.values()]);
  expect(phones.flatMap(({ violations }) => violations)).toEqual([]);
  for (const phone of phones) expectStored(phone, stored);
  await expectShown(platform, phones, chats);
  await untilNothingIsOwed(platform);
  if (causes) await expectNotified(platform, causes);
  await expectNotifiedOnce(platform);
}

function expectNoGaps(chats: Stored[][]): void {
  for (const messages of chats) expect(messages.map(({ seq }) => seq)).toEqual(messages.map((_, i) => i + 1));
}

function expectStored({ acked, account }: Phone, stored: Stored[]): void {
  const own = stored.filter(({ sender_id }) => sender_id === account.id);
  const byClientId = groupBy(own, ({ client_id }) => client_id);
  expect([...byClientId.values()].filter(({ length }) => length > 1)).toEqual([]);
  for (const { clientId, messageId, seq } of acked)
    expect([clientId, byClientId.get(clientId)?.map(({ id, seq }) => [id, seq])]).toEqual([
      clientId,
      [[messageId, seq]],
    ]);
  // In each chat it sent one message after the other.
  for (const inOneChat of groupBy(acked, ({ chatId }) => chatId).values()) {
    const seqs = inOneChat.map(({ seq }) => seq);
    expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
  }
}

/** A member's phone has the chat as stored; a removed member's has the messages up to then. */
async function expectShown(platform: Platform, phones: Phone[], chats: Map<string, Stored[]>): Promise<void> {
  const members = await platform.rows<{ chat_id: string; user_id: string; left_seq: number | null }>(
    'SELECT chat_id, user_id, CASE WHEN left_at IS NOT NULL THEN left_seq END AS left_seq FROM chat_members',
  );
  const existing = await platform.rows<{ id: string }>('SELECT id FROM chats');
  for (const { account, chats: shown, named } of phones) {
    const own = new Map(
      members.flatMap(({ chat_id, user_id, left_seq }) =>
        user_id === account.id ? [[chat_id, left_seq] as const] : [],
      ),
    );
    expect(existing.filter(({ id }) => named.has(id) && !own.has(id))).toEqual([]);
    const withMessages = [...own].filter(([id, leftSeq]) => leftSeq !== 0 && chats.has(id)).map(([id]) => id);
    const seen = [...shown].filter(([, { messages }]) => messages.size > 0).map(([id]) => id);
    expect(seen.toSorted()).toEqual(withMessages.toSorted());
    for (const id of withMessages) {
      const leftSeq = own.get(id) ?? null;
      const log = [...shown.get(id)!.messages.values()].toSorted((a, b) => a.seq - b.seq);
      const brief = ({ seq, id, sender_id, content, change_seq }: Stored | (typeof log)[number]) =>
        leftSeq === null ? `${seq} ${id} ${sender_id} ${content} ${change_seq}` : `${seq} ${id} ${sender_id}`;
      const readable = ({ seq }: { seq: number }) => leftSeq === null || seq <= leftSeq;
      expect(log.filter(readable).map(brief)).toEqual(chats.get(id)!.filter(readable).map(brief));
    }
  }
}

/** Before that, a second run of a job may still add duplicates. */
async function untilNothingIsOwed(platform: Platform): Promise<void> {
  const owed = () => platform.rows('SELECT FROM outbox_jobs LIMIT 1');
  await until('all jobs done', async () => (await owed()).length === 0, TOLD_WITHIN_MS);
}

/** There were causes, and each has its notification. */
async function expectNotified(platform: Platform, causes: string[]): Promise<void> {
  expect(causes).not.toEqual([]);
  const received = await platform.rows<{ key: string }>(
    'SELECT DISTINCT key FROM notification_causes WHERE notification_id IS NOT NULL AND key = ANY ($1)',
    [causes],
  );
  expect(received.map(({ key }) => key).toSorted()).toEqual([...new Set(causes)].toSorted());
}

/**
 * The stored likes, comments and posts have the expected number of notifications, whether or not the request was
 * answered. Nobody reads here, so all likes or comments of a post are in one. Each post with a mention has its own.
 */
async function expectNotifiedOnce(platform: Platform): Promise<void> {
  const shared = await platform.rows(
    `SELECT p.author_id AS user_id, type || ':' || p.id AS group_key, count(DISTINCT by)::int - 1 AS others_count
     FROM (
       SELECT 'post_liked', post_id, user_id FROM post_likes
       UNION ALL SELECT 'post_commented', post_id, author_id FROM comments
     ) AS done (type, post_id, by) JOIN posts p ON p.id = post_id
     WHERE by <> p.author_id GROUP BY type, p.id ORDER BY 2`,
  );
  const received = await platform.rows(
    'SELECT user_id, group_key, others_count FROM notifications WHERE group_key IS NOT NULL AND NOT hidden ORDER BY 2',
  );
  expect(received).toEqual(shared);
  const named = await platform.rows(
    `SELECT u.id AS user_id, p.id AS post_id FROM posts p JOIN users u ON p.content = '@' || u.handle ORDER BY p.id`,
  );
  const mentions = await platform.rows(
    `SELECT n.user_id, p.id AS post_id FROM notifications n JOIN posts p ON p.id::text = n.data->>'post_id'
     WHERE n.type = 'mention' AND p.content <> '' ORDER BY p.id`,
  );
  expect(mentions).toEqual(named);
  const doubled = await platform.rows(
    `SELECT user_id, type, data, count(*) FROM notifications WHERE group_key IS NULL
     GROUP BY user_id, type, data HAVING count(*) > 1`,
  );
  expect(doubled).toEqual([]);
  const uncaused = await platform.rows(
    `SELECT id FROM notifications n
     WHERE NOT EXISTS (SELECT FROM notification_causes c WHERE c.notification_id = n.id)`,
  );
  expect(uncaused).toEqual([]);
}

function groupBy<T, K>(items: T[], keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group) group.push(item);
    else groups.set(keyOf(item), [item]);
  }
  return groups;
}
