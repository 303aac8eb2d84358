import { Config, Metrics, RedisConnections, logger } from '#platform';
import { emptyRedis, itWithRedis, until } from '#testing';
import { Redis } from 'ioredis';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { RedisStreamBroker } from './redis-stream-broker.js';
import type { OutgoingEvent } from '../hub/outgoing-event.js';
import type { ClusterCommand } from './command.js';
import { toWire } from './wire.js';

const STREAM = 'service-platform:nodes';
const said = (payload: unknown): ClusterCommand => ({
  name: 'deliver',
  delivery: { event: { name: 'said' as OutgoingEvent['name'], payload }, topics: [] },
});

/** A node with a separate Redis: what it has received, and how often it may have missed messages. */
async function listening() {
  logger.level = 'silent';
  const connections = new RedisConnections(Object.assign(new Config(), { REDIS_URL: await emptyRedis() }));
  const redis = connections.shared as Redis;
  const node = { redis, received: [] as unknown[], missed: 0, start, say, close };
  const handle = (command: ClusterCommand) =>
    void (command.name === 'deliver' && node.received.push(command.delivery.event.payload));
  const nodes = new RedisStreamBroker(
    connections,
    new Metrics(),
    { id: randomUUID(), dead: async () => [], all: async () => [] },
    { handle, onMissed: () => (node.missed += 1) },
  );
  function start() {
    return nodes.ready({ reads: true });
  }
  function say(from: string, n: number, what: unknown, offset = '*') {
    return redis.xadd(STREAM, offset, 'told', JSON.stringify({ from, n, deed: toWire(said(what)) }));
  }
  function close() {
    nodes.close();
    connections.onApplicationShutdown();
  }
  return node;
}
const breakConnections = (redis: Redis) => redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');

itWithRedis(
  'a message is received from a Redis that returned empty with a clock that is behind',
  async () => {
    const node = await listening();
    await node.start();
    // From the old Redis, whose clock was 5 minutes ahead.
    await node.say('other', 1, 1, `${Date.now() + 300_000}-0`);
    await until('received', () => node.received.length === 1);
    await node.redis.flushdb();
    await breakConnections(node.redis);
    await until('a loss counted', () => node.missed > 0);
    await node.say('other', 2, 2);
    await until('received again', () => node.received.length === 2);
    node.close();
    expect(node.received).toEqual([1, 2]);
  },
);

itWithRedis('a message is not handled again when Redis returns with an older state', async () => {
  const node = await listening();
  // By a process that had ended before this one started.
  await node.say('ended', 2, 'old');
  await node.start();
  // The own message of this one is lost.
  await node.redis.xdel(STREAM, (await node.redis.xrevrange(STREAM, '+', '-', 'COUNT', 1))[0]![0]);
  await breakConnections(node.redis);
  await until('a loss counted', () => node.missed > 0);
  // Longer than one read waits: the next one starts at this node's position.
  await sleep(1500);
  await node.say('other', 1, 'new');
  await until('received', () => node.received.includes('new'));
  node.close();
  expect(node.received).toEqual(['new']);
});

/** A node without devices on a Redis of its own. */
async function publishing() {
  logger.level = 'silent';
  const connections = new RedisConnections(Object.assign(new Config(), { REDIS_URL: await emptyRedis() }));
  const redis = connections.shared as Redis;
  const nodes = new RedisStreamBroker(
    connections,
    new Metrics(),
    { id: randomUUID(), dead: async () => [], all: async () => [] },
    { handle: () => undefined, onMissed: () => undefined },
  );
  await nodes.ready({ reads: false });
  return {
    redis,
    async publish(count: number, text: string) {
      for (let i = 0; i < count; i++) {
        nodes.publish(said(text));
        if (i % 100 === 0) await redis.ping().then(() => sleep(20));
      }
      await sleep(1000);
    },
    async close() {
      nodes.close();
      await redis.flushdb();
      connections.onApplicationShutdown();
    },
  };
}

itWithRedis('messages take a bounded part of Redis, however large each is', async () => {
  const node = await publishing();
  await node.publish(4000, 'Я'.repeat(16_000));
  const used = (await node.redis.memory('USAGE', STREAM, 'SAMPLES', 0))!;
  await node.close();
  expect(used).toBeLessThan(100 * 1024 * 1024);
});

itWithRedis('a single large message does not drop others from the stream', async () => {
  const node = await publishing();
  await node.publish(256, 'small');
  await node.publish(1, 'x'.repeat(1_900_000));
  await node.publish(1024, 'small');
  const length = await node.redis.xlen(STREAM);
  await node.close();
  // The first is the start of the node.
  expect(length).toBe(1 + 256 + 1 + 1024);
});
