import { DatabaseSession, happen, ProcessCluster, until } from '#testing';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { expectNothingLost } from './oracle.js';
import { ConversationLoad } from './conversation-load.js';

const CROWD = 6000;
/**
 * How long a worker is stopped: longer than its jobs' locks (10 s), its lease (25 s), and the timeout of the
 * database.
 */
const STOPPED_MS = 35_000;
/** Longer than a job stays with a dead worker. */
const PATIENCE_MS = 180_000;
const SIZES = { 'the one process': () => ProcessCluster.alone(), 'a worker': () => ProcessCluster.start() };

let cluster: ProcessCluster;
function startBefore(start: () => Promise<ProcessCluster>): void {
  beforeAll(async () => {
    cluster = await start();
  });
  afterAll(() => cluster.stop());
}
const living = () => cluster.worker.find(({ ended }) => ended === null)!;

/** Stores the job that a feature's transaction stores. */
async function promise(name: string, actorId: string, recipientIds?: string[]): Promise<string> {
  const key = `mention:${randomUUID()}`;
  const data = { post_id: randomUUID(), comment_id: null, user_id: actorId };
  await happen(cluster, { type: 'mention', key, actorId, data });
  const job = { cause: { type: 'mention', key, actorId, data }, recipientIds };
  const sql = 'INSERT INTO outbox_jobs (id, name, data) VALUES ($1, $2, $3)';
  await cluster.rows(sql, [randomUUID(), name, job]);
  return key;
}

/** Stores a notification for everybody, and waits until half of them have it and the rest has started. */
async function halfOfAnAnnouncement(): Promise<{ key: string; goOn: () => Promise<void> }> {
  const users = await cluster.rows<{ id: string }>('SELECT id FROM users ORDER BY id');
  // One recipient of the fourth thousand cannot be written: the others' jobs end, this one has started.
  const blocker = await DatabaseSession.at(cluster.databaseUrl);
  await blocker.query('BEGIN');
  await blocker.query('SELECT FROM users WHERE id = $1 FOR UPDATE', [users[3500]!.id]);
  const key = await promise('notify-everyone', users[0]!.id);
  await until('half of it', async () => (await received(key)).length >= CROWD / 2, PATIENCE_MS);
  return { key, goOn: () => blocker.end() };
}

const received = (key: string) =>
  cluster.rows('SELECT user_id FROM notification_causes WHERE key = $1 AND notification_id IS NOT NULL', [
    key,
  ]);
const outbox = () => cluster.rows('SELECT FROM outbox_jobs');
const untilDone = () => until('an empty outbox', async () => (await outbox()).length === 0, PATIENCE_MS);

async function expectNotifiedOnce(key: string): Promise<void> {
  await untilDone();
  const [{ users }] = (await cluster.rows('SELECT count(*)::int AS users FROM users')) as [{ users: number }];
  expect(await received(key)).toHaveLength(users - 1);
  const doubled = `SELECT user_id FROM notifications WHERE data->>'post_id' = (
    SELECT n.data->>'post_id' FROM notification_causes c JOIN notifications n ON n.id = c.notification_id
    WHERE c.key = $1 LIMIT 1) GROUP BY user_id HAVING count(*) > 1`;
  expect(await cluster.rows(doubled, [key])).toEqual([]);
}

describe.each(Object.entries(SIZES))('kill -9 of %s', (_, start) => {
  startBefore(start);

  it('before its jobs are queued: the next one sends the notification', async () => {
    const [actor, recipient] = (await cluster.manyPeople(2)) as [string, string];
    const worker = living();
    // It does nothing any more, and will never know.
    await worker.signal('SIGSTOP');
    const key = await promise('notify', actor, [recipient]);
    await worker.signal('SIGKILL');
    expect([await received(key), await outbox()]).toEqual([[], [{}]]);
    await cluster.add(worker.name);
    await untilDone();
    expect(await received(key)).toEqual([{ user_id: recipient }]);
  }, 300_000);

  it('at half of a fan-out: the next one notifies the rest, and nobody twice', async () => {
    await cluster.manyPeople(CROWD);
    const load = await ConversationLoad.start(cluster, { pause: 300 });
    const { key, goOn } = await halfOfAnAnnouncement();
    const worker = living();
    await worker.signal('SIGKILL');
    expect((await received(key)).length).toBeLessThan(CROWD);
    await goOn();
    await cluster.add(worker.name);
    await expectNotifiedOnce(key);
    await load.more(20);
    await load.end();
    await expectNothingLost(cluster, load.phones, load.causes);
  }, 600_000);
});

describe('a worker that is stopped', () => {
  startBefore(SIZES['a worker']);

  it('for 35 s and continues: another one notifies the rest, and nobody twice', async () => {
    await cluster.manyPeople(CROWD);
    const load = await ConversationLoad.start(cluster, { pause: 300 });
    const { key, goOn } = await halfOfAnAnnouncement();
    const still = living();
    await still.signal('SIGSTOP');
    await goOn();
    await cluster.add('worker');
    const stopped = sleep(STOPPED_MS);
    await expectNotifiedOnce(key);
    await stopped;
    await still.signal('SIGCONT');
    // Its unfinished work is dropped or repeated, while somebody likes something.
    await until('its work again', async () => (await fetch(`${still.url}/health/ready`)).ok, PATIENCE_MS);
    await load.more(20);
    await expectNotifiedOnce(key);
    await load.end();
    await expectNothingLost(cluster, load.phones, load.causes);
  }, 600_000);
});
