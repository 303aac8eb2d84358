import { signingKey } from '#identity';
import { createHttpApp, listen, run, StartError } from '#platform';
import { RealtimeModule } from './realtime.module.js';
import { SocketAdapter } from './socket-adapter.js';

/** The sockets alone, on the database of DATABASE_URL. */
await run(async (config) => {
  if (!config.DATABASE_URL) throw new StartError('DATABASE_URL: is needed by an app that runs alone');
  signingKey(config);
  const app = await createHttpApp(RealtimeModule, config);
  app.useWebSocketAdapter(new SocketAdapter(app));
  await listen(app, config);
  return app;
});
