import { signingKey } from '#identity';
import { createHttpApp, listen, logger, migrate, requireShared, run } from '#platform';
import { RealtimeModule } from './realtime.module.js';
import { SocketAdapter } from './socket-adapter.js';

/** The sockets alone, on the database of DATABASE_URL and the Redis of REDIS_URL. */
await run(async (config) => {
  requireShared(config);
  signingKey(config);
  await migrate(config.DATABASE_URL!);
  const app = await createHttpApp(RealtimeModule, config);
  app.useWebSocketAdapter(new SocketAdapter(app));
  logger.info({ url: await listen(app, config) }, 'listening');
  return app;
});
