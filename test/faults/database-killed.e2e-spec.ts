import type { PostDto } from '#contracts';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '#embedded-postgres';
import { DatabaseSession, Link, ProcessCluster, until } from '#testing';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expectNothingLost } from './oracle.js';
import { ConversationLoad } from './conversation-load.js';

/** A job is tried five times, after 1, 2, 4 and 8 s. */
const ALL_ATTEMPTS_MS = 22_000;

let folder: string;
let postgres: EmbeddedPostgres;
let link: Link;
let cluster: ProcessCluster;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'database-killed-'));
  postgres = await startEmbeddedPostgres(folder);
  link = await Link.to(postgres.url);
  cluster = await ProcessCluster.start({ DATABASE_URL: link.url }, {}, postgres.url);
}, 180_000);
afterAll(async () => {
  await cluster.stop();
  link.close();
  await postgres.stop();
  await rm(folder, { recursive: true, force: true });
});

it('kill -9 of PostgreSQL, three times: all clients go on when it is back', async () => {
  const load = await ConversationLoad.start(cluster);
  for (let times = 0; times < 3; times++) {
    await load.more(300);
    const [pid] = (await readFile(join(folder, 'postgres', 'postmaster.pid'), 'utf8')).split('\n');
    // Its supervisor starts it again.
    process.kill(Number(pid), 'SIGKILL');
    if (times === 0) await load.removeTheSilent();
    await load.more(100);
  }
  await load.end();
  await expectNothingLost(cluster, load.phones, load.causes);
}, 600_000);

it('unavailable for longer than all attempts of a job: the notification arrives when it is back', async () => {
  const [anna, boris] = await cluster.people('Анна', 'Борис');
  const { body: post } = await cluster.request<PostDto>('POST', 'posts', anna.token, { content: 'Mine' });
  // The job has started and cannot end.
  const blocker = await DatabaseSession.at(postgres.url);
  await blocker.query('BEGIN');
  await blocker.query('LOCK TABLE notification_causes IN EXCLUSIVE MODE');
  await cluster.request('POST', `posts/${post.id}/comments`, boris.token, { content: 'Nice' });
  await blocker.somebodyWaits();
  const load = await ConversationLoad.start(cluster);
  await load.more(100);
  link.cut();
  await blocker.end();
  await sleep(ALL_ATTEMPTS_MS);
  link.mend();
  const received = () => cluster.rows('SELECT FROM notifications WHERE user_id = $1', [anna.id]);
  await until('the notification', async () => (await received()).length > 0, 180_000);
  expect(await received()).toHaveLength(1);
  await load.more(100);
  await load.end();
  await expectNothingLost(cluster, load.phones, load.causes);
}, 400_000);
