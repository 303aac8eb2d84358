import { signingKey } from '#identity';
import { createHttpApp, listen, logger, migrate, requireShared, run } from '#platform';
import { ApiModule } from './api.module.js';
import { setUpDocs } from './docs/set-up-docs.js';

/** REST alone, on the database of DATABASE_URL and the Redis of REDIS_URL. */
await run(async (config) => {
  requireShared(config);
  signingKey(config);
  await migrate(config.DATABASE_URL!);
  const app = await createHttpApp(ApiModule, config);
  setUpDocs(app);
  logger.info({ url: await listen(app, config) }, 'listening');
  return app;
});
