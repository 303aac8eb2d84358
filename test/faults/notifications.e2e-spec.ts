import type { PostDto } from '#contracts';
import { Queues } from '#platform';
import { createTestDatabase, Link, TestApp } from '#testing';
import { randomUUID } from 'node:crypto';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';

/** How long a job of a dead process may stay with it, and then some. */
const PATIENCE_MS = 60_000;

let database: { url: string; drop(): Promise<void> };
let direct: Client;
let child: ChildProcess | undefined;
let app: TestApp | undefined;
beforeEach(async () => {
  database = await createTestDatabase();
  direct = new Client({ connectionString: database.url });
  await direct.connect();
});
afterEach(async () => {
  child?.kill('SIGKILL');
  await app?.stop();
  child = app = undefined;
  await direct.end();
  await database.drop();
});

const until = async (what: string, holds: () => Promise<boolean>) => {
  for (const start = Date.now(); !(await holds()); await sleep(50))
    if (Date.now() - start > PATIENCE_MS) throw new Error(`${what}: not within ${PATIENCE_MS} ms`);
};
const count = async (sql: string): Promise<number> =>
  (await direct.query<{ count: number }>(`SELECT count(*)::int AS count FROM ${sql}`)).rows[0]!.count;
const stored = () => count('notifications');
const start = async (url = database.url) => (app = await TestApp.start({ DATABASE_URL: url }));

/** Nothing left to do for the queue: whatever could be done twice has been. */
const isIdle = async () => {
  const { waiting, prioritized, active } = await app!.app.get(Queues).counts();
  return waiting + prioritized + active + (await count('outbox_jobs')) === 0;
};

/** The whole platform in a process that can be killed. */
async function startChild(): Promise<void> {
  child = spawn(process.execPath, [resolve('dist/apps/standalone/src/main.js')], {
    env: {
      ...process.env,
      NODE_OPTIONS: '',
      DATABASE_URL: database.url,
      JWT_SECRET: 'test-secret-test-secret-test-secret',
      PORT: '0',
      HOST: '127.0.0.1',
      LOG_LEVEL: 'silent',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [greeting] = (await Promise.race([once(child.stdout!, 'data'), once(child, 'exit')])) as [unknown];
  expect(String(greeting)).toContain('Service Platform');
}

async function kill(): Promise<void> {
  const gone = once(child!, 'exit');
  child!.kill('SIGKILL');
  await gone;
}

const crowd = async (size: number): Promise<string[]> => {
  const { rows } = await direct.query<{ id: string }>(
    `INSERT INTO users (id, email, password_hash, name, handle)
     SELECT id, id || '@example.com', '', 'Somebody', replace(id::text, '-', '')
     FROM (SELECT gen_random_uuid() AS id FROM generate_series(1, $1)) AS ids RETURNING id`,
    [size],
  );
  return rows.map(({ id }) => id).sort();
};
/** What a feature's transaction leaves behind. */
const commit = (db: Client, name: string, data: object) =>
  db.query('INSERT INTO outbox_jobs (id, name, data) VALUES ($1, $2, $3)', [randomUUID(), name, data]);
const mention = (actorId: string) => ({
  type: 'mention',
  key: `mention:${randomUUID()}`,
  actorId,
  data: { post_id: randomUUID(), comment_id: null, user_id: actorId },
});

it('committed, and the process killed before the relay: told by the next start', async () => {
  const [actor, recipient] = await crowd(2);
  await startChild();
  // It does nothing any more, and will never know.
  child!.kill('SIGSTOP');
  const cause = mention(actor!);
  await commit(direct, 'notify', { cause, recipientIds: [recipient] });
  await kill();
  expect([await stored(), await count('outbox_jobs')]).toEqual([0, 1]);
  await start();
  await until('the notification', async () => (await stored()) > 0);
  await until('an empty queue', isIdle);
  const { rows } = await direct.query<object>('SELECT user_id, data FROM notifications');
  expect(rows).toEqual([{ user_id: recipient, data: cause.data }]);
});

it('the worker killed at half of a fan-out: afterwards everybody has been told once', async () => {
  const [actor, ...others] = await crowd(6001);
  await startChild();
  // One recipient of the fourth thousand cannot be written: the others' jobs end, theirs has begun.
  const blocker = new Client({ connectionString: database.url });
  await blocker.connect();
  await blocker.query('BEGIN');
  await blocker.query('SELECT FROM users WHERE id = $1 FOR UPDATE', [others[3500]]);
  await commit(direct, 'notify-everyone', { cause: mention(actor!) });
  await until('half of it', async () => (await stored()) >= 4000);
  await kill();
  expect(await stored()).toBeLessThan(6000);
  await blocker.end();
  await start();
  await until('all of it', async () => (await stored()) >= 6000);
  await until('an empty queue', isIdle);
  expect([await stored(), await count('(SELECT DISTINCT user_id FROM notifications) AS told')]).toEqual([
    6000, 6000,
  ]);
}, 90_000);

it('the queue away: a like succeeds, and is told when the queue is back', async () => {
  await start();
  const [anna, boris] = await app!.people('Анна', 'Борис');
  const [hers] = await app!.devices(anna);
  const post = await app!.request<PostDto>('POST', 'posts', anna.token, { content: 'Mine' });
  await direct.query('ALTER SCHEMA bullmq RENAME TO away');
  const like = await app!.request('PUT', `posts/${post.body.id}/like`, boris.token);
  expect([like.status, like.body]).toEqual([200, { liked: true, likes_count: 1 }]);
  await sleep(500);
  expect([await stored(), await count('outbox_jobs')]).toEqual([0, 1]);
  await direct.query('ALTER SCHEMA away RENAME TO bullmq');
  await hers.until(() => hers.all('notification:new')[0], 'the notification', 20_000);
  await until('an empty queue', isIdle);
  expect(await stored()).toBe(1);
});

it('the database away for a while: what is liked afterwards is told, the relay and the worker go on', async () => {
  const link = await Link.to(database.url);
  try {
    await start(link.url);
    const [anna, boris] = await app!.people('Анна', 'Борис');
    const [hers] = await app!.devices(anna);
    const post = await app!.request<PostDto>('POST', 'posts', anna.token, { content: 'Mine' });
    link.cut();
    const refused = await app!.request('PUT', `posts/${post.body.id}/like`, boris.token);
    expect(refused.body.code).toBe('UNAVAILABLE');
    await sleep(1500);
    link.mend();
    await until('a like', async () => {
      const like = await app!.request('PUT', `posts/${post.body.id}/like`, boris.token);
      return like.status === 200;
    });
    await hers.until(() => hers.all('notification:new')[0], 'the notification', 20_000);
    expect(await stored()).toBe(1);
  } finally {
    await app?.stop();
    app = undefined;
    link.close();
  }
});
