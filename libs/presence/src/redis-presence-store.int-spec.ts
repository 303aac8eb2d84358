import { Config, RedisConnections, logger } from '#platform';
import { Link, describeWithRedis, emptyRedis } from '#testing';
import type { Redis } from 'ioredis';
import { setTimeout as sleep } from 'node:timers/promises';
import { RedisPresenceStore } from './redis-presence-store.js';

describeWithRedis('presence of several nodes', () => {
  let url: string;
  let link: Link;
  let connections: RedisConnections[];
  let stores: RedisPresenceStore[];
  /** The Redis connection of the node that was started last. */
  let connection: Redis;
  let received: string[];
  beforeEach(async () => {
    logger.level = 'silent';
    url = await emptyRedis();
    link = await Link.to(url);
    [connections, stores, received] = [[], [], []];
  });
  afterEach(async () => {
    link.mend();
    await Promise.all(stores.map((store) => store.close()));
    for (const each of connections) each.onApplicationShutdown();
    link.close();
  });

  /** A node without grace time. */
  const node = (redisUrl: string) => {
    const redis = new RedisConnections(Object.assign(new Config(), { REDIS_URL: redisUrl }));
    const connect = jest.spyOn(redis, 'connect');
    const store = new RedisPresenceStore(redis, 0);
    connection = connect.mock.results[0]!.value as Redis;
    connections.push(redis);
    stores.push(store);
    store.onOffline((userId) => received.push(`${userId} away`));
    store.onOnlineAgain((userId) => received.push(`${userId} back`));
    return store;
  };
  const until = async (line: string) => {
    while (!received.includes(line)) await new Promise(setImmediate);
  };

  it('announces a user as offline once, when the answer that found this was lost', async () => {
    const store = node(link.url);
    await store.enter('anna', 'phone');
    await store.leave('anna', 'phone');
    await link.loseAnswerTo('BYSCORE');
    await until('anna away');
    // Users who leave later are found by a later look.
    await store.enter('boris', 'phone');
    await store.leave('boris', 'phone');
    await until('boris away');
    expect(received).toEqual(['anna away', 'boris away']);
  });

  it('does not announce offline again for a user who reconnected before the retry', async () => {
    const one = node(link.url);
    await one.enter('anna', 'phone');
    await one.leave('anna', 'phone');
    await link.loseAnswerTo('BYSCORE');
    link.cut();
    const other = node(url);
    expect(await other.enter('anna', 'tablet')).toBe(true);
    link.mend();
    while ((await connections[1]!.shared!.keys('presence:gone:*')).length > 0) await sleep(10);
    expect(received).toEqual([]);
  });

  it('announces a user as online when the answer to the entry is lost', async () => {
    const store = node(link.url);
    const lost = link.loseAnswerTo('before and 0 or 1');
    const wasAway = store.enter('anna', 'phone');
    await lost;
    expect(await wasAway).toBe(true);
  });

  it('brings back a user whose node could not renew, also when the answer to that is lost', async () => {
    const store = node(link.url);
    const redis = node(url) && connections[1]!.shared!;
    await store.enter('anna', 'phone');
    link.cut();
    // The state after 30 s without a renewal.
    const { now } = performance;
    const clock = jest.spyOn(performance, 'now').mockImplementation(() => now.call(performance) + 31_000);
    await redis.zadd('presence:users', 1, 'anna');
    await until('anna away');
    const lost = link.loseAnswerTo('table.insert(back');
    link.mend();
    await lost;
    await until('anna back');
    expect(await redis.zscore('presence:users', 'anna')).not.toBeNull();
    clock.mockRestore();
  });

  it('does not renew a user who leaves during the renewal', async () => {
    const store = node(link.url);
    const entered = Array.from({ length: 1001 }, (_, i) => store.enter(`user ${i}`, `phone ${i}`));
    await Promise.all(entered);
    // The renewal starts with the earliest users, and has not reached the last.
    connection.emit('ready');
    await store.leave('user 1000', 'phone 1000');
    await until('user 1000 away');
  });
});
