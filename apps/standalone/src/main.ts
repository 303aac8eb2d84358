import { StartupError, run, secretIn, type Config } from '#platform';
import { startEmbeddedPostgres } from '#embedded-postgres';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { serve } from './serve.js';

/** A stop may take 5 seconds: this part is for sockets and requests, the rest for the database. */
const CLOSE_MS = 3000;

async function start(config: Config): Promise<{ close(): Promise<void> }> {
  if (config.DATABASE_URL) {
    if (!config.JWT_SECRET)
      throw new StartupError('JWT_SECRET: must be set when DATABASE_URL is (at least 32 characters)');
    return serve(config, 'external');
  }
  const postgres = await startEmbeddedPostgres(config.DATA_DIR);
  try {
    config.DATABASE_URL = postgres.url;
    config.JWT_SECRET ??= secretIn(join(config.DATA_DIR, 'jwt-secret'));
    const app = await serve(config, 'embedded');
    return { close: () => Promise.race([app.close(), delay(CLOSE_MS)]).finally(() => postgres.stop()) };
  } catch (error) {
    await postgres.stop();
    throw error;
  }
}

await run(start);
