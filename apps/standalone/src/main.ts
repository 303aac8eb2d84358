import { CreateDemoAccounts, type DemoAccount } from '#identity';
import {
  NestLogger,
  StartError,
  loadConfig,
  logger,
  migrate,
  startEmbeddedPostgres,
  type Config,
} from '#platform';
import { Logger } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { createApp } from './app.js';
import { signingSecret } from './signing-secret.js';

/** What has been started, to be stopped in the opposite order. */
const started: (() => Promise<unknown>)[] = [];
const STOP_MS = 4500;

let stopping: Promise<never> | undefined;
const stop = (code: number): Promise<never> => {
  stopping ??= (async () => {
    setTimeout(() => process.exit(1), STOP_MS).unref();
    for (const end of started.reverse())
      await end().catch((err: unknown) => logger.error({ err }, 'unclean stop'));
    process.exit(code);
  })();
  return stopping;
};

async function start(config: Config): Promise<void> {
  const embedded = config.DATABASE_URL === undefined;
  if (embedded) {
    const postgres = await startEmbeddedPostgres(config.DATA_DIR);
    started.push(() => postgres.stop());
    config.DATABASE_URL = postgres.url;
    config.JWT_SECRET ??= await signingSecret(config.DATA_DIR);
  } else if (!config.JWT_SECRET) {
    throw new StartError('JWT_SECRET: must be set when DATABASE_URL is (at least 32 characters)');
  }
  await migrate(config.DATABASE_URL!);
  const app = await createApp(config);
  started.push(() => app.close());
  const host = config.HOST ?? (embedded ? '127.0.0.1' : '0.0.0.0');
  await app.listen(config.PORT, host).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EADDRINUSE')
      throw new StartError(`PORT: ${config.PORT} is in use by another program`);
    if (error.code === 'EACCES') throw new StartError(`PORT: ${config.PORT} may not be used by this account`);
    if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND')
      throw new StartError(`HOST: ${host} is no address of this machine`);
    throw error;
  });
  const { port } = app.getHttpServer().address() as { port: number };
  const url = `http://${host === '0.0.0.0' ? 'localhost' : host}:${port}`;
  greet(url, embedded ? await app.get(CommandBus).execute(new CreateDemoAccounts()) : []);
}

function greet(url: string, accounts: DemoAccount[]): void {
  const lines = [
    '',
    `  Service Platform   ${url}`,
    `  REST and docs      ${url}/docs`,
    `  Socket.IO          ${url}`,
  ];
  if (accounts.length > 0) lines.push('', '  Demo accounts');
  for (const { email, password, role } of accounts)
    lines.push(`    ${email.padEnd(20)} ${password}${role === 'admin' ? '   (admin)' : ''}`);
  console.log([...lines, '', '  Ctrl-C stops everything.', ''].join('\n'));
}

process.once('SIGINT', () => void stop(0));
process.once('SIGTERM', () => void stop(0));

try {
  const config = loadConfig(process.env);
  logger.level = config.LOG_LEVEL;
  Logger.overrideLogger(new NestLogger());
  await start(config);
} catch (error) {
  if (error instanceof StartError) console.error(error.message);
  else logger.fatal({ err: error }, 'start failed');
  await stop(1);
}
