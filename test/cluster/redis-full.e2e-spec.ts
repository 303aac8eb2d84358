import type { PostDto } from '#contracts';
import { Queues, logger } from '#platform';
import { describeWithRedis, text, type TestApp } from '#testing';
import type { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { setTimeout as sleep } from 'node:timers/promises';
import { Cluster } from './cluster.js';
import { RedisServer } from './redis-server.js';

const FULL_MS = 5000;

describeWithRedis('a full Redis', () => {
  let server: RedisServer;
  let redis: Redis;
  let cluster: Cluster;
  beforeAll(async () => {
    server = await RedisServer.start('--maxmemory', '64mb', '--maxmemory-policy', 'noeviction');
    redis = new Redis(server.url);
    cluster = await Cluster.start(2, { REDIS_URL: server.url });
  });
  afterAll(async () => {
    jest.restoreAllMocks();
    await cluster.stop();
    await redis.quit();
    await server.stop();
  });

  it('is logged a few times, and everything goes on once it has room', async () => {
    const [one, other] = cluster.nodes as [TestApp, TestApp];
    const [anna, boris] = await one.people('Анна', 'Борис');
    const [annaDevice, secondDevice] = [await one.device(anna), await other.device(boris)];
    const chat = await one.group(anna, boris);
    await secondDevice.next('chat:created', ({ id }) => id === chat.id);
    const { body: post } = await one.request<PostDto>('POST', 'posts', boris.token, { content: 'His' });

    // Work that is due while Redis is full is retried again and again.
    const queue = one.app.get<Queues, { open(): Queue }>(Queues).open();
    await queue.add('purge-sessions', {}, { delay: 1500 });
    await sleep(500);
    const warn = jest.spyOn(logger, 'warn').mockImplementation(() => undefined);
    await redis.setrange('filling', 80 * 1024 * 1024, 'x');
    await expect(redis.set('more', 1)).rejects.toThrow('OOM');
    const meanwhile = await annaDevice.send('chat:message:send', text(chat, 'meanwhile'));
    expect(meanwhile.status).toBe('sent');
    const path = `posts/${post.id}/comments`;
    expect((await one.request('POST', path, anna.token, { content: 'Nice' })).status).toBe(201);
    const asked = async () => Number(/^total_error_replies:(\d+)/m.exec(await redis.info('stats'))![1]);
    const before = await asked();
    await sleep(FULL_MS);
    expect((await asked()) - before).toBeLessThan(FULL_MS / 10);
    const lines = warn.mock.calls.map(([, line]) => line as unknown);
    expect(lines.filter((line) => line === 'queue unavailable').length).toBeLessThanOrEqual(5);
    expect(lines.length).toBeLessThan(40);

    const syncs = secondDevice.all('sync:required').length;
    await redis.del('filling');
    await secondDevice.until(
      () => secondDevice.all('sync:required').length > syncs || undefined,
      'sync:required',
      10_000,
    );
    await annaDevice.send('chat:message:send', text(chat, 'after'));
    await secondDevice.next('chat:message:new', ({ content }) => content === 'after');
    await secondDevice.until(
      () => secondDevice.all('notification:new').length > 0 || undefined,
      'notification',
      40_000,
    );
  }, 60_000);

  it('of messages between nodes loses half of them, so that it has room again', async () => {
    const [one, other] = cluster.nodes as [TestApp, TestApp];
    const [vera, gleb] = await one.people('Вера', 'Глеб');
    const [veraDevice, secondDevice] = [await one.device(vera), await other.device(gleb)];
    const chat = await one.group(vera, gleb);
    await secondDevice.next('chat:created', ({ id }) => id === chat.id);
    const command = { name: 'broadcast', rooms: ['nobody'], what: { data: ['x'.repeat(16_000)] } };
    for (let n = 1; n <= 1000; n++)
      await redis.xadd(
        'service-platform:nodes',
        '*',
        'told',
        JSON.stringify({ from: 'other', n, deed: command }),
      );
    const used = Number(/^used_memory:(\d+)/m.exec(await redis.info('memory'))![1]);
    const syncs = secondDevice.all('sync:required').length;
    await redis.config('SET', 'maxmemory', used - 1024 * 1024);
    await veraDevice.send('chat:message:send', text(chat, 'too much'));
    await secondDevice.until(
      () => secondDevice.all('sync:required').length > syncs || undefined,
      'sync:required',
      10_000,
    );
    await veraDevice.send('chat:message:send', text(chat, 'after'));
    await secondDevice.next('chat:message:new', ({ content }) => content === 'after');
  }, 60_000);
});
