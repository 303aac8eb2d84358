import { Bystander, ProcessCluster } from '#testing';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { expectNothingLost } from './oracle.js';
import { Talk } from './talk.js';

const CROWD = 6000;
/** How long a worker stands still: longer than its jobs' locks, the database's patience and anybody's. */
const STOPPED_MS = 60_000;

let cluster: ProcessCluster;
let talk: Talk;
beforeAll(async () => {
  cluster = await ProcessCluster.start();
  await cluster.crowd(CROWD);
  talk = await Talk.start(cluster, { pause: 100 });
});
afterAll(() => cluster.stop());

/** Promises everybody a notification, and waits until half of the crowd has it and the rest has begun. */
async function halfOfAnAnnouncement(): Promise<{ key: string; goOn: () => Promise<void> }> {
  const users = await cluster.rows<{ id: string }>('SELECT id FROM users ORDER BY id');
  const actorId = users[0]!.id;
  const key = `mention:${randomUUID()}`;
  const cause = {
    type: 'mention',
    key,
    actorId,
    data: { post_id: randomUUID(), comment_id: null, user_id: actorId },
  };
  // One recipient of the fourth thousand cannot be written: the others' jobs end, theirs has begun.
  const blocker = await Bystander.at(cluster.databaseUrl);
  await blocker.query('BEGIN');
  await blocker.query('SELECT FROM users WHERE id = $1 FOR UPDATE', [users[3500]!.id]);
  await cluster.rows('INSERT INTO outbox_jobs (id, name, data) VALUES ($1, $2, $3)', [
    randomUUID(),
    'notify-everyone',
    { cause },
  ]);
  await until('half of it', async () => (await told(key)).length >= CROWD / 2);
  return { key, goOn: () => blocker.end() };
}

const told = (key: string) =>
  cluster.rows('SELECT user_id FROM notification_causes WHERE key = $1 AND notification_id IS NOT NULL', [
    key,
  ]);
const isDone = async () => (await cluster.rows('SELECT FROM outbox_jobs')).length === 0;

async function expectToldOnce(key: string): Promise<void> {
  await until('all of it', isDone);
  const [{ users }] = (await cluster.rows('SELECT count(*)::int AS users FROM users')) as [{ users: number }];
  expect(await told(key)).toHaveLength(users - 1);
  const doubled = `SELECT user_id FROM notifications WHERE data->>'post_id' = (
    SELECT n.data->>'post_id' FROM notification_causes c JOIN notifications n ON n.id = c.notification_id
    WHERE c.key = $1 LIMIT 1) GROUP BY user_id HAVING count(*) > 1`;
  expect(await cluster.rows(doubled, [key])).toEqual([]);
}

it('kill -9 of the worker at half of a fan-out: the next one tells the rest, and nobody twice', async () => {
  const { key, goOn } = await halfOfAnAnnouncement();
  await cluster.worker[0]!.signal('SIGKILL');
  expect((await told(key)).length).toBeLessThan(CROWD);
  await goOn();
  await cluster.add('worker');
  await expectToldOnce(key);
}, 300_000);

it('a worker that stands still for 60 s and runs on: another one tells the rest, and nobody twice', async () => {
  const { key, goOn } = await halfOfAnAnnouncement();
  const [still] = cluster.worker.filter(({ ended }) => ended === null);
  await still!.signal('SIGSTOP');
  await goOn();
  await cluster.add('worker');
  const since = Date.now();
  await expectToldOnce(key);
  await sleep(Math.max(0, STOPPED_MS - (Date.now() - since)));
  await still!.signal('SIGCONT');
  // What it had begun is given up or done once more, while somebody likes something.
  await until('its work again', async () => (await fetch(`${still!.url}/health/ready`)).ok);
  await talk.more(20);
  await expectToldOnce(key);
  await talk.end();
  await expectNothingLost(cluster, talk.phones, talk.causes);
}, 300_000);

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (let i = 0; !(await holds()); i++, await sleep(100))
    if (i > 600) throw new Error(`${what}: not in a minute`);
}
