import { signingKey } from '#identity';
import { createHttpApp, listen, run, StartError } from '#platform';
import { WorkerModule } from './worker.module.js';

/** Background work alone, on the database of DATABASE_URL; its port serves health and metrics. */
await run(async (config) => {
  if (!config.DATABASE_URL) throw new StartError('DATABASE_URL: is needed by an app that runs alone');
  signingKey(config);
  const app = await createHttpApp(WorkerModule, config);
  await listen(app, config);
  return app;
});
