import { signingKey } from '#identity';
import { createHttpApp, listen, migrate, requireShared, run } from '#platform';
import { ApiModule } from './api.module.js';
import { setUpDocs } from './docs/set-up-docs.js';

/** REST alone, on the database of DATABASE_URL and the Redis of REDIS_URL. */
await run(async (config) => {
  requireShared(config);
  signingKey(config);
  await migrate(config.DATABASE_URL!);
  const app = await createHttpApp(ApiModule, config);
  setUpDocs(app);
  await listen(app, config);
  return app;
});
