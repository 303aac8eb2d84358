import { Redis } from 'ioredis';

const { TEST_REDIS_URL: server, TEST_SIZE } = process.env;

type Describe = (...args: Parameters<jest.Describe>) => void;
type It = (...args: Parameters<jest.It>) => void;

// Each test file has globals of its own, and this module serves all files of a worker: it looks them up when called.
/** What processes do together: without a Redis there is nothing to test. */
export const describeWithRedis: Describe = (...args) => (server ? describe : describe.skip)(...args);
export const itWithRedis: It = (...args) => (server ? it : it.skip)(...args);
/** What a process does only when it knows that it has no others beside it. */
export const itAlone: It = (...args) => (TEST_SIZE === 'cluster' ? it.skip : it)(...args);

/** How many databases have been given. */
const GIVEN = 'databases-given';

/** The address of an empty database on the tests' Redis. They go round: only the very oldest is given again. */
export async function emptyRedis(): Promise<string> {
  if (!server) throw new Error('These tests need a Redis: install redis-server, or set TEST_REDIS_URL');
  const redis = new Redis(server);
  const [, databases] = (await redis.config('GET', 'databases')) as [string, string];
  // The first one holds the count.
  const number = 1 + ((await redis.incr(GIVEN)) % (Number(databases) - 1));
  await redis.select(number);
  await redis.flushdb();
  await redis.quit();
  return `${server}/${number}`;
}

const sharing = new Map<string, Promise<string>>();

/** With TEST_SIZE=cluster: apps on one database are one program, so they share a Redis, too. */
export async function redisBeside(databaseUrl: string): Promise<{ REDIS_URL?: string }> {
  if (TEST_SIZE !== 'cluster') return {};
  if (!sharing.has(databaseUrl)) sharing.set(databaseUrl, emptyRedis());
  return { REDIS_URL: await sharing.get(databaseUrl)! };
}
