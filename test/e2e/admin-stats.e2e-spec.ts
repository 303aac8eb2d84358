import { StatsDto } from '#contracts';
import { PgPool } from '#platform';
import { contractErrors, createTestDatabase, TestApp, type Account, type TestDatabase } from '#testing';
import { Client, type Pool, type PoolClient } from 'pg';

/** Numbers above this are estimates. */
const EXACT_UP_TO = 10_000;

let database: TestDatabase;
let client: Client;
let app: TestApp;
let admin: Account;
let user: Account;
const plans: string[] = [];
beforeAll(async () => {
  database = await createTestDatabase();
  client = new Client({ connectionString: database.url });
  await client.connect();
  for (const setting of [
    `session_preload_libraries = 'auto_explain'`,
    'auto_explain.log_min_duration = 0',
    'auto_explain.log_analyze = on',
    'client_min_messages = log',
  ])
    await client.query(`ALTER DATABASE "${database.name}" SET ${setting}`);
  app = await TestApp.start({ DATABASE_URL: database.url });
  const listened = new WeakSet<PoolClient>();
  app.app.get<Pool>(PgPool).on('acquire', (connection) => {
    if (listened.has(connection)) return;
    listened.add(connection);
    connection.on('notice', ({ message }) => message?.includes('plan:') && plans.push(message));
  });
  [admin, user] = await app.people('Админ', 'Анна');
  await app.rows(`UPDATE users SET role = 'admin' WHERE id = $1`, [admin.id]);
});
afterAll(async () => {
  await app.stop();
  await client.end();
  await database.drop();
});

const stats = async () => {
  const { status, body } = await app.request<StatsDto>('GET', 'admin/stats', admin.token);
  expect([status, contractErrors(StatsDto, body)]).toEqual([200, []]);
  return body;
};
const fill = (table: string, columns: string, values: string, count: number) =>
  client.query(`INSERT INTO ${table} (${columns}) SELECT ${values} FROM generate_series(1, ${count}) AS i`);
const posts = (count: number) =>
  fill('posts', 'id, author_id, content', `gen_random_uuid(), '${user.id}', 'x'`, count);

it('GET admin/stats counts small tables exactly', async () => {
  await app.chat(admin, user);
  await posts(3);
  const banned = await app.register('Борис');
  await app.request('POST', `admin/users/${banned.id}/ban`, admin.token);
  await app.rows(`UPDATE users SET created_at = date_trunc('day', now()) - interval '1 ms' WHERE id = $1`, [
    banned.id,
  ]);
  const report = { kind: 'user', target_id: user.id, reason: 'Спам' };
  await app.request('POST', 'reports', admin.token, report);
  const resolved = await app.request<{ id: string }>('POST', 'reports', user.token, {
    ...report,
    target_id: admin.id,
  });
  await app.request('POST', `admin/reports/${resolved.body.id}/resolve`, admin.token, { resolution: 'Нет' });
  await fill(
    'services',
    'id, master_id, name, price, duration',
    `gen_random_uuid(), '${user.id}', 'x', 1, 60`,
    1,
  );
  await bookings('cancelled', 2);
  await bookings('completed', 5);
  const device = await app.device(user);
  expect(await stats()).toEqual({
    users: { all: 3, online: 1, new_today: 2, banned: 1 },
    chats: 1,
    messages: 0,
    posts: 3,
    bookings: { requested: 0, confirmed: 0, completed: 5, declined: 0, cancelled: 2, expired: 0 },
    open_reports: 1,
    estimated: [],
  });
  device.close();
});

const bookings = (status: string, count: number) =>
  fill(
    'bookings',
    'id, service_id, master_id, client_id, starts_at, ends_at, status, service_name, price',
    `gen_random_uuid(), (SELECT id FROM services LIMIT 1), '${user.id}', '${admin.id}',
     now() - i * interval '1 h', now() - i * interval '1 h' + interval '30 min', '${status}', 'x', 1`,
    count,
  );

it('GET admin/stats counts exactly up to 10,000 and estimates beyond', async () => {
  await posts(EXACT_UP_TO - 3);
  expect(await stats()).toMatchObject({ posts: EXACT_UP_TO, estimated: [] });
  await posts(1);
  const more = await stats();
  expect(more.estimated).toEqual(['posts']);
  expect(more.posts).toBeGreaterThan(EXACT_UP_TO);
});

it('GET admin/stats marks large numbers as estimates and does not scan the large tables for them', async () => {
  await fill(
    'messages',
    'id, chat_id, seq, sender_id, type, content, created_at',
    `gen_random_uuid(), (SELECT id FROM chats LIMIT 1), i, '${user.id}', 'text', 'x', now()`,
    60_000,
  );
  await bookings('completed', 40_000);
  await bookings('expired', 500);
  await client.query('ANALYZE');
  plans.length = 0;
  const answer = await stats();
  expect(answer.estimated).toEqual(['messages', 'posts', 'bookings.completed']);
  for (const [number, really] of [
    [answer.messages, 60_000],
    [answer.posts, EXACT_UP_TO + 1],
    [answer.bookings.completed, 40_005],
  ] as const)
    expect(Math.abs(number - really) / really).toBeLessThan(0.05);
  expect(answer.bookings).toMatchObject({ cancelled: 2, expired: 500 });
  const read = plans.join('\n').matchAll(/\(actual (?:time=\S+ )?rows=([\d.]+)/g);
  const rows = [...read].map(([, count]) => Number(count));
  expect(rows.length).toBeGreaterThan(20);
  expect(Math.max(...rows)).toBe(EXACT_UP_TO + 1);
  // Rows that a filter removes count as read, too.
  expect(plans.join('\n')).not.toMatch(/Rows Removed by Filter: \d{5,}/);
});
