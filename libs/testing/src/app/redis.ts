import { Redis } from 'ioredis';

const { TEST_REDIS_URL: server, TEST_SIZE } = process.env;

type Describe = (...args: Parameters<jest.Describe>) => void;
type It = (...args: Parameters<jest.It>) => void;

// Read on each call: each test file has its own globals, but all files of a worker share this module.
/** For behaviour across processes. Skipped without a Redis. */
export const describeWithRedis: Describe = (...args) => (server ? describe : describe.skip)(...args);
export const itWithRedis: It = (...args) => (server ? it : it.skip)(...args);
/** For behaviour of a process that knows it is the only one. */
export const itAlone: It = (...args) => (TEST_SIZE === 'cluster' ? it.skip : it)(...args);

/** The key of the number of databases handed out. */
const GIVEN = 'databases-given';

/** The address of an empty database on the tests' Redis. Databases are reused in turn, the oldest first. */
export async function emptyRedis(): Promise<string> {
  if (!server) throw new Error('These tests need a Redis: install redis-server, or set TEST_REDIS_URL');
  const redis = new Redis(server);
  const [, databases] = (await redis.config('GET', 'databases')) as [string, string];
  // The first database holds the counter.
  const number = 1 + ((await redis.incr(GIVEN)) % (Number(databases) - 1));
  await redis.select(number);
  await redis.flushdb();
  await redis.quit();
  return `${server}/${number}`;
}

const sharing = new Map<string, Promise<string>>();

/** With TEST_SIZE=cluster: apps on one database are one cluster, so they share a Redis. */
export async function redisBeside(databaseUrl: string): Promise<{ REDIS_URL?: string }> {
  if (TEST_SIZE !== 'cluster') return {};
  if (!sharing.has(databaseUrl)) sharing.set(databaseUrl, emptyRedis());
  return { REDIS_URL: await sharing.get(databaseUrl)! };
}
