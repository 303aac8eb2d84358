import type { PostDto } from '#contracts';
import { DatabaseSession, ProcessCluster, until, type Account } from '#testing';
import { Redis } from 'ioredis';
import { RedisServer } from '../cluster/redis-server.js';
import { expectNothingLost } from './oracle.js';
import { ConversationLoad } from './conversation-load.js';

let redis: RedisServer;
let cluster: ProcessCluster;
beforeAll(async () => {
  redis = await RedisServer.start();
  cluster = await ProcessCluster.start({ REDIS_URL: redis.url });
});
afterAll(async () => {
  await cluster.stop();
  await redis.stop();
});

it('Redis is killed and returns empty: no message and no notification is lost', async () => {
  const load = await ConversationLoad.start(cluster);
  const [author, ...fans] = load.phones.map(({ account }) => account) as [Account, ...Account[]];
  const { body: post } = await cluster.request<PostDto>('POST', 'posts', author.token, { content: 'Mine' });
  const comment = async (account: Account, content: string) => {
    const path = `posts/${post.id}/comments`;
    const reply = await cluster.request('POST', path, account.token, { content });
    expect(reply.status).toBe(201);
  };
  await load.more(300);
  // Their jobs cannot end: some have started, the others wait in Redis.
  const blocker = await DatabaseSession.at(cluster.databaseUrl);
  await blocker.query('BEGIN');
  await blocker.query('LOCK TABLE notification_causes IN EXCLUSIVE MODE');
  for (const fan of fans) await comment(fan, 'before');
  await until('all in the queue', async () => (await givenToQueue()) >= fans.length, 180_000);
  await redis.stop();
  await blocker.end();
  await load.more(100);
  for (const fan of fans) await comment(fan, 'meanwhile');
  await redis.restart();
  await load.more(300);
  await load.end();
  await expectNothingLost(cluster, load.phones, load.causes);
  await untilNotified(2 * fans.length);
  const emptied = new Redis(redis.url);
  expect(await emptied.zcard('bull:jobs:repeat')).toBeGreaterThan(0);
  await emptied.quit();
}, 600_000);

/** The number of unfinished jobs that Redis has. */
async function givenToQueue(): Promise<number> {
  const [{ count }] = (await cluster.rows(
    'SELECT count(*)::int AS count FROM outbox_jobs WHERE due_at > now()',
  )) as [{ count: number }];
  return count;
}

async function untilNotified(comments: number): Promise<void> {
  const received = () => cluster.rows(`SELECT FROM notification_causes WHERE key LIKE 'post_commented:%'`);
  await until('all notified', async () => (await received()).length >= comments, 180_000);
  expect(await received()).toHaveLength(comments);
}
