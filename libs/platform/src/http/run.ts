import type { Type } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { loadConfig, requireShared, type Config } from '../config/config.js';
import { logger } from '../observability/logging.js';
import { migrate } from '../database/migrations/migrate.js';
import { StartupError } from '../config/startup-error.js';
import { createHttpApp, listen } from './http-app.js';

/** A close that takes longer than this, in ms, is given up. */
const CLOSE_LIMIT = 4_500;

/**
 * A program's main: starts, closes on SIGTERM or SIGINT and exits with 0. What the
 * operator can mend (StartError) is one line on stderr, and exit 1.
 */
export async function run(start: (config: Config) => Promise<{ close(): Promise<void> }>): Promise<void> {
  let starting: Promise<{ close(): Promise<void> }> | undefined;
  let isStopping = false;
  const stop = async () => {
    // Under npm a Ctrl-C arrives twice: the second one must not cut the first one's work short.
    if (isStopping) return;
    isStopping = true;
    setTimeout(() => process.exit(1), CLOSE_LIMIT).unref();
    try {
      await (await starting)?.close();
      process.exit(0);
    } catch (error) {
      fail(error);
    }
  };
  process.on('SIGTERM', () => void stop()).on('SIGINT', () => void stop());
  try {
    starting = start(loadConfig(process.env));
    await starting;
  } catch (error) {
    fail(error);
  }
}

/**
 * The main of an app that is one of several: on the database of DATABASE_URL and the Redis of REDIS_URL, and with the
 * JWT_SECRET of all. `setUp` adds what its module cannot.
 */
export async function runAlone(module: Type, setUp?: (app: NestFastifyApplication) => void): Promise<void> {
  await run(async (config) => {
    requireShared(config);
    await migrate(config.DATABASE_URL!);
    const app = await createHttpApp(module, config);
    setUp?.(app);
    logger.info({ url: await listen(app, config) }, 'listening');
    return app;
  });
}

function fail(error: unknown): never {
  if (error instanceof StartupError) process.stderr.write(`${error.message}\n`);
  else logger.fatal({ err: error }, 'stopped by an error');
  process.exit(1);
}
