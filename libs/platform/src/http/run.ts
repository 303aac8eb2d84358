import type { Type } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { loadConfig, requireShared, type Config } from '../config/config.js';
import { logger } from '../observability/logging.js';
import { migrate } from '../database/migrations/migrate.js';
import { StartupError } from '../config/startup-error.js';
import { createHttpApp, listen } from './http-app.js';

/** A close that takes longer is abandoned, ms. */
const CLOSE_LIMIT = 4_500;

/**
 * The main function of a program: starts, closes on SIGTERM or SIGINT and exits with 0. A StartupError, which the
 * operator can fix, is one line on stderr and exit code 1.
 */
export async function run(start: (config: Config) => Promise<{ close(): Promise<void> }>): Promise<void> {
  let starting: Promise<{ close(): Promise<void> }> | undefined;
  let isStopping = false;
  const stop = async () => {
    // Under npm, Ctrl-C arrives twice: the second signal must not interrupt the handling of the first.
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
 * The main function of an app in a cluster: it needs DATABASE_URL, REDIS_URL and the shared JWT_SECRET. `setUp` adds
 * parts that its module cannot.
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
