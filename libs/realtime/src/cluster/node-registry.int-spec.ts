import type { RedisConnections } from '#platform';
import { emptyRedis, itWithRedis } from '#testing';
import { Redis } from 'ioredis';
import { NodeRegistry } from './node-registry.js';

it('a process without Redis considers all others dead', async () => {
  const leases = new NodeRegistry({} as RedisConnections);
  await leases.onModuleInit();
  expect(await leases.dead([leases.id, 'other'])).toEqual(['other']);
});

itWithRedis('with Redis, a process without a lease is dead, but not after a flush', async () => {
  const shared = new Redis(await emptyRedis());
  const [one, other] = [0, 1].map(() => new NodeRegistry({ shared } as unknown as RedisConnections)) as [
    NodeRegistry,
    NodeRegistry,
  ];
  await Promise.all([one.onModuleInit(), other.onModuleInit()]);
  const dead = () => one.dead([one.id, other.id, 'gone']);
  expect(await dead()).toEqual([]);
  expect(await one.all()).toEqual(expect.arrayContaining([one.id, other.id]));
  await shared.del(`node:${other.id}`);
  expect(await dead()).toEqual([]);
  await other.onModuleInit();
  expect(await dead()).toEqual([]);
  const later = performance.now() + 6000;
  const clock = jest.spyOn(performance, 'now').mockReturnValue(later);
  expect(await dead()).toEqual(['gone']);
  // Dead processes are not remembered for ever: much later the check starts from scratch.
  clock.mockReturnValue(later + 600_000);
  expect(await dead()).toEqual([]);
  jest.restoreAllMocks();
  await Promise.all([one.onApplicationShutdown(), other.onApplicationShutdown()]);
  await shared.quit();
});
