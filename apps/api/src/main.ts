import { signingKey } from '#identity';
import { createHttpApp, listen, run, StartError } from '#platform';
import { ApiModule } from './api.module.js';
import { setUpDocs } from './docs/set-up-docs.js';

/** REST alone, on the database of DATABASE_URL. */
await run(async (config) => {
  if (!config.DATABASE_URL) throw new StartError('DATABASE_URL: is needed by an app that runs alone');
  signingKey(config);
  const app = await createHttpApp(ApiModule, config);
  setUpDocs(app);
  await listen(app, config);
  return app;
});
