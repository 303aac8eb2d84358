import {
  PlatformModule,
  PrismaService,
  Queues,
  addJob,
  loadConfig,
  logger,
  type Processors,
  JOB_NAMES,
} from '#platform';
import { createTestDatabase, describeWithRedis, type TestDatabase, until } from '#testing';
import { Test, type TestingModule } from '@nestjs/testing';
import { Redis } from 'ioredis';
import { setTimeout as sleep } from 'node:timers/promises';
import { RedisServer } from './redis-server.js';

describeWithRedis('a worker that asks for its first job', () => {
  let database: TestDatabase;
  let server: RedisServer;
  let redis: Redis;
  let module: TestingModule;
  beforeAll(async () => {
    logger.level = 'silent';
    [database, server] = [await createTestDatabase(), await RedisServer.start()];
    redis = new Redis(server.url);
    const env = { DATABASE_URL: database.url, REDIS_URL: server.url, JWT_SECRET: 'x'.repeat(32) };
    const imports = [PlatformModule.forRoot(loadConfig(env))];
    module = await Test.createTestingModule({ imports }).compile();
    await module.init();
  });
  afterAll(async () => {
    await module.close();
    await redis.quit();
    await Promise.all([server.stop(), database.drop()]);
  });

  const refused = async () => Number(/^total_error_replies:(\d+)/m.exec(await redis.info('stats'))![1]);

  it('does not retry a full Redis without a pause, and works once it has room', async () => {
    await redis.config('SET', 'maxmemory', 1);
    const before = await refused();
    const nothing = () => Promise.resolve();
    const processors = Object.fromEntries(JOB_NAMES.map((name) => [name, nothing]));
    await module.get(Queues).work(processors as unknown as Processors, {});
    await until('Redis refuses', async () => (await refused()) > before);
    // Time enough for thousands.
    await sleep(1500);
    expect((await refused()) - before).toBeLessThan(50);

    await redis.config('SET', 'maxmemory', 0);
    const prisma = module.get(PrismaService);
    await addJob(prisma, 'purge-sessions', {});
    await until('the job is queued', async () => (await prisma.outboxJob.count()) === 0);
  });
});
