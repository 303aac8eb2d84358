import { JOB_NAMES } from './jobs.js';
import { createTestDatabase, emptyRedis, itWithRedis, type TestDatabase } from '#testing';
import { Test, type TestingModule } from '@nestjs/testing';
import { UnrecoverableError } from 'bullmq';
import { loadConfig } from '../config/config.js';
import { logger } from '../observability/logging.js';
import { Metrics } from '../observability/metrics.js';
import { addJob } from './outbox.js';
import { PlatformModule } from '../platform.module.js';
import { PrismaService } from '../prisma/prisma.service.js';
import { Queues, type Processors } from './queues.js';

let database: TestDatabase;
let module: TestingModule;
beforeEach(async () => {
  logger.level = 'silent';
  database = await createTestDatabase();
});
afterEach(async () => {
  await module.close();
  await database.drop();
});

/** A worker with one processor. */
async function work(purge: () => Promise<void>, env: { REDIS_URL?: string }): Promise<void> {
  const config = loadConfig({ DATABASE_URL: database.url, JWT_SECRET: 'x'.repeat(32), ...env });
  module = await Test.createTestingModule({ imports: [PlatformModule.forRoot(config)] }).compile();
  await module.init();
  const processors = Object.fromEntries(JOB_NAMES.map((name) => [name, purge]));
  await module.get(Queues).work(processors as unknown as Processors, {});
}
/** The number of jobs with that outcome. */
async function counted(outcome: string): Promise<number> {
  const metrics = await module.get(Metrics).registry.metrics();
  return Number(
    new RegExp(`jobs_total{name="purge-sessions",outcome="${outcome}"} (\\d+)`).exec(metrics)?.[1] ?? 0,
  );
}

async function expectPostponed(env: { REDIS_URL?: string }): Promise<void> {
  let runs = 0;
  // The error of an unavailable database, without four more attempts.
  const away = new UnrecoverableError('Connection terminated unexpectedly');
  await work(() => (runs++ === 0 ? Promise.reject(away) : Promise.resolve()), env);
  const prisma = module.get(PrismaService);
  await addJob(prisma, 'purge-sessions', {});
  while ((await counted('postponed')) === 0) await new Promise(setImmediate);
  while ((await module.get(Queues).counts()).failed > 0) await new Promise(setImmediate);
  // As after the minute until its next attempt.
  await prisma.$executeRaw`UPDATE outbox_jobs SET due_at = now()`;
  while ((await counted('ok')) === 0) await new Promise(setImmediate);
  expect([await counted('failed'), await prisma.outboxJob.count()]).toEqual([0, 0]);
}

const title = (place: string) =>
  `a job that fails on an unavailable database is no dead letter in ${place}, and is retried later`;
it(title('PostgreSQL'), () => expectPostponed({}));
itWithRedis(title('Redis'), async () => expectPostponed({ REDIS_URL: await emptyRedis() }));
