import { signingKey } from '#identity';
import { createHttpApp, listen, logger, migrate, requireShared, run } from '#platform';
import { WorkerModule } from './worker.module.js';

/** Background work alone, on the database of DATABASE_URL and the Redis of REDIS_URL; its port serves health and metrics. */
await run(async (config) => {
  requireShared(config);
  signingKey(config);
  await migrate(config.DATABASE_URL!);
  const app = await createHttpApp(WorkerModule, config);
  logger.info({ url: await listen(app, config) }, 'listening');
  return app;
});
