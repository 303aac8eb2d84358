import type { PageQuery } from '#contracts';
import { PgPool, SearchPool, ViewPool } from '#platform';
import { TestApp, type Account } from '#testing';
import type { Socket } from 'node:net';

const MB = 1_000_000;
/** Items of each list. */
const ITEMS = 200;
const LONG = `repeat('ж', 4000)`;
const EACH = `generate_series(1, ${ITEMS}) AS i`;
/** An id of version 7: the later, the greater. */
const id = (kind: number, number: string) =>
  `('0000000${kind}-0000-7000-8000-' || lpad(to_hex(${number}), 12, '0'))::uuid`;

const BOOKINGS = [
  `INSERT INTO services (id, master_id, name, description, price, duration)
   SELECT ${id(1, 'i')}, {reader}, 'Service', repeat('ж', 2000), 1, 60 FROM ${EACH}`,
  `INSERT INTO bookings (id, service_id, master_id, client_id, starts_at, ends_at, status, service_name, price, note, reason)
   SELECT ${id(2, 'i')}, ${id(1, '1')}, {reader}, {writer}, now() - i * interval '2 hours',
     now() - i * interval '2 hours' + interval '1 hour', 'completed', 'Service', 1, repeat('ж', 1000), repeat('ж', 1000)
   FROM ${EACH}`,
  `INSERT INTO reviews (id, booking_id, master_id, client_id, rating, text)
   SELECT ${id(3, 'i')}, ${id(2, 'i')}, {reader}, {writer}, 5, ${LONG} FROM ${EACH}`,
];
const POSTS = [
  `INSERT INTO posts (id, author_id, content, media_urls)
   SELECT ${id(4, 'i')}, {writer}, ${LONG}, array_fill('https://example.com/' || repeat('x', 2000), ARRAY[10])
   FROM ${EACH}`,
  `INSERT INTO posts (id, author_id, content, is_repost, repost_of_id)
   SELECT ${id(5, 'i')}, {reader}, ${LONG}, true, ${id(4, 'i')} FROM ${EACH}`,
];
const CHATS = [
  `INSERT INTO chats (id, type, title, member_count, last_seq)
   SELECT ${id(6, 'i')}, 'group', 'Group', 50, 1 FROM ${EACH}`,
  `INSERT INTO chat_members (chat_id, user_id, role, opened)
   SELECT ${id(6, 'i')}, u, 'member', true FROM ${EACH},
     (SELECT unnest(({others})[1:49]) AS u UNION SELECT {reader}) AS people`,
  `INSERT INTO messages (id, chat_id, seq, sender_id, type, content, metadata, created_at)
   SELECT ${id(7, 'i')}, ${id(6, 'i')}, 1, ({others})[1], 'text', ${LONG}, '{}', now() FROM ${EACH}`,
];

/**
 * Lists whose items can be longer than a 200th of a page, and statements that fill them. In these, `{reader}` is the user
 * who reads them, `{writer}` another one, and `{others}` are 200 more. All have a picture of 2 KB.
 */
const LISTS: Record<string, string[]> = {
  chats: CHATS,
  feed: POSTS,
  'users/{reader}/posts': [],
  bookings: BOOKINGS,
  services: [],
  'users/{reader}/reviews': [],
  [`posts/00000004-0000-7000-8000-000000000001/comments`]: [
    `INSERT INTO comments (id, post_id, author_id, content)
     SELECT ${id(8, 'i')}, ${id(4, '1')}, ({others})[i], ${LONG} FROM ${EACH}`,
  ],
  notifications: [
    `INSERT INTO notifications (id, user_id, type, actor_id, data)
     SELECT ${id(9, 'i')}, {reader}, 'booking_cancelled', {writer}, jsonb_build_object('booking_id', ${id(2, 'i')},
       'service_id', ${id(1, 'i')}, 'service_name', 'Service', 'master_id', {reader}, 'client_id', {writer},
       'starts_at', '2030-01-01T00:00:00.000Z', 'timezone', 'UTC', 'outcome', 'cancelled', 'reason', repeat('ж', 3000))
     FROM ${EACH}`,
  ],
  'admin/reports': [
    `INSERT INTO reports (id, reporter_id, kind, target_id, against_id, content, reason)
     SELECT ${id(1, 'i')}, ({others})[i], 'post', ${id(4, 'i')}, {writer}, ${LONG}, repeat('ж', 1000) FROM ${EACH}`,
  ],
  'admin/audit': [
    `INSERT INTO audit_entries (id, admin_id, action, target_id, details)
     SELECT ${id(1, 'i')}, {reader}, 'user_banned', 'x', jsonb_build_object('reason', repeat('ж', 2000)) FROM ${EACH}`,
  ],
};

interface Page {
  items: { id: string }[];
  next_cursor: string | null;
}

describe('a list of long items', () => {
  let app: TestApp;
  let reader: Account;
  const connections = new Set<Socket>();
  /** Bytes that the database has sent. */
  const received = () => [...connections].reduce((sum, { bytesRead }) => sum + bytesRead, 0);

  beforeAll(async () => {
    app = await TestApp.start({ READ_RATE: '1000' });
    for (const pool of [PgPool, SearchPool, ViewPool])
      app.app.get<PgPool>(pool).on('acquire', (client) => {
        connections.add((client as unknown as { connection: { stream: Socket } }).connection.stream);
      });
    const [anna, boris] = await app.people('Анна', 'Борис');
    reader = anna;
    const others = await app.manyPeople(ITEMS);
    await app.rows(`UPDATE users SET avatar = 'https://example.com/' || repeat('x', 2000), role = 'admin'`);
    await app.rows('INSERT INTO follows (follower_id, followee_id) VALUES ($1, $2)', [anna.id, boris.id]);
    const people: Record<string, string> = {
      '{reader}': `'${anna.id}'::uuid`,
      '{writer}': `'${boris.id}'::uuid`,
      '{others}': `'{${others.join()}}'::uuid[]`,
    };
    for (const fill of Object.values(LISTS).flat())
      await app.rows(fill.replace(/\{(reader|writer|others)\}/g, (name) => people[name]!));
  });
  afterAll(() => app.stop());

  it.each(Object.keys(LISTS))(
    '%s: ends its pages at about 1 MB, continues without loss, and reads few more bytes',
    async (list) => {
      const path = list.replace('{reader}', reader.id);
      const ids: string[] = [];
      let pages = 0;
      for (let cursor: string | null = ''; cursor !== null; pages += 1) {
        const before = received();
        const query: Partial<Record<keyof PageQuery, string>> = {
          limit: `${ITEMS}`,
          ...(cursor && { cursor }),
        };
        const { status, body } = await app.request<Page>(
          'GET',
          `${path}?${new URLSearchParams(query)}`,
          reader.token,
        );
        expect(status).toBe(200);
        expect(Buffer.byteLength(JSON.stringify(body))).toBeLessThan(1.1 * MB);
        expect(received() - before).toBeLessThan(2 * MB);
        ids.push(...body.items.map((item) => item.id));
        cursor = body.next_cursor;
      }
      expect(pages).toBeGreaterThan(1);
      expect(new Set(ids).size).toBe(ids.length);
      expect(ids.length % ITEMS).toBe(0);
    },
  );
});
