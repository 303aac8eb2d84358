import { emptyRedis, itWithRedis, until } from '#testing';
import { Redis } from 'ioredis';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Config } from './config.js';
import { logger } from './logging.js';
import { Metrics } from './metrics.js';
import { Nodes } from './nodes.js';
import type { Sockets } from './deed.js';
import { RedisConnections } from './redis.js';

const STREAM = 'service-platform:nodes';

itWithRedis('is heard from a Redis that came back empty with a clock that is behind', async () => {
  logger.level = 'silent';
  const connections = new RedisConnections(Object.assign(new Config(), { REDIS_URL: await emptyRedis() }));
  const redis = connections.shared as Redis;
  const heard: number[] = [];
  let missed = 0;
  const sockets = { broadcast: ({ data }: { data: [string, number] }) => heard.push(data[1]) };
  const nodes = new Nodes(
    connections,
    new Metrics(),
    { id: randomUUID(), dead: async () => [], all: async () => [] },
    () => sockets as unknown as Sockets,
    () => (missed += 1),
  );
  await nodes.ready();
  const deed = (n: number) =>
    JSON.stringify({
      from: 'other',
      n,
      deed: { name: 'broadcast', rooms: ['all'], what: { data: ['said', n] } },
    });
  // What the old Redis, 5 minutes ahead, had said.
  await redis.xadd(STREAM, `${Date.now() + 300_000}-0`, 'told', deed(1));
  await until('heard', () => heard.length === 1);
  await redis.flushdb();
  await redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
  await until('missed', () => missed > 0);
  await redis.xadd(STREAM, '*', 'told', deed(2));
  await until('heard again', () => heard.length === 2);
  nodes.close();
  connections.onApplicationShutdown();
  expect(heard).toEqual([1, 2]);
});

itWithRedis('is not done again when Redis comes back as it was a while ago', async () => {
  logger.level = 'silent';
  const connections = new RedisConnections(Object.assign(new Config(), { REDIS_URL: await emptyRedis() }));
  const redis = connections.shared as Redis;
  const tell = (from: string, n: number) =>
    redis.xadd(
      STREAM,
      '*',
      'told',
      JSON.stringify({ from, n, deed: { name: 'broadcast', rooms: ['all'], what: { data: [from] } } }),
    );
  // By a process that had ended before this one began.
  await tell('ended', 2);
  const heard: string[] = [];
  let missed = 0;
  const sockets = { broadcast: ({ data }: { data: [string] }) => heard.push(data[0]) };
  const nodes = new Nodes(
    connections,
    new Metrics(),
    { id: randomUUID(), dead: async () => [], all: async () => [] },
    () => sockets as unknown as Sockets,
    () => (missed += 1),
  );
  await nodes.ready();
  // What this one had told of itself is lost.
  await redis.xdel(STREAM, (await redis.xrevrange(STREAM, '+', '-', 'COUNT', 1))[0]![0]);
  await redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
  await until('missed', () => missed > 0);
  // Longer than one read waits: the next one begins where this node then is.
  await sleep(1500);
  await tell('other', 1);
  await until('heard', () => heard.includes('other'));
  nodes.close();
  connections.onApplicationShutdown();
  expect(heard).toEqual(['other']);
});

itWithRedis('what is told takes a bounded part of Redis, however large each of it is', async () => {
  logger.level = 'silent';
  const connections = new RedisConnections(Object.assign(new Config(), { REDIS_URL: await emptyRedis() }));
  const redis = connections.shared as Redis;
  const leases = { id: randomUUID(), dead: async () => [], all: async () => [] };
  const nodes = new Nodes(
    connections,
    new Metrics(),
    leases,
    () => undefined,
    () => undefined,
  );
  await nodes.ready();
  const what = { data: ['said', 'Я'.repeat(16_000)] };
  for (let i = 0; i < 4000; i++) {
    nodes.tell({ name: 'broadcast', rooms: ['all'], what });
    if (i % 100 === 0) await redis.ping().then(() => sleep(20));
  }
  await sleep(1000);
  const used = (await redis.memory('USAGE', STREAM, 'SAMPLES', 0))!;
  nodes.close();
  await redis.flushdb();
  connections.onApplicationShutdown();
  expect(used).toBeLessThan(100 * 1024 * 1024);
});
