import { CreateDemoAccounts, type DemoAccount } from '#identity';
import { CreateDemoVisits, ProposeBookings } from '#marketplace';
import { StartError, listen, migrate, run, startEmbeddedPostgres, type Config } from '#platform';
import { CommandBus } from '@nestjs/cqrs';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { setTimeout as delay } from 'node:timers/promises';
import { createApp } from './app.js';
import { signingSecret } from './signing-secret.js';

/** Of the 5 seconds that a stop may take, those for the sockets and requests; the rest is the database's. */
const CLOSE_MS = 3000;

async function start(config: Config): Promise<{ close(): Promise<void> }> {
  if (config.DATABASE_URL) {
    if (!config.JWT_SECRET)
      throw new StartError('JWT_SECRET: must be set when DATABASE_URL is (at least 32 characters)');
    return serve(config, '0.0.0.0');
  }
  const postgres = await startEmbeddedPostgres(config.DATA_DIR);
  try {
    config.DATABASE_URL = postgres.url;
    config.JWT_SECRET ??= await signingSecret(config.DATA_DIR);
    const app = await serve(config, '127.0.0.1');
    return { close: () => Promise.race([app.close(), delay(CLOSE_MS)]).finally(() => postgres.stop()) };
  } catch (error) {
    await postgres.stop();
    throw error;
  }
}

async function serve(config: Config, defaultHost: string): Promise<NestFastifyApplication> {
  await migrate(config.DATABASE_URL!);
  const app = await createApp(config);
  config.HOST ??= defaultHost;
  await listen(app, config).catch(async (error: unknown) => {
    await app.close();
    throw error;
  });
  const { port } = app.getHttpServer().address() as { port: number };
  const host = config.HOST === '0.0.0.0' ? 'localhost' : config.HOST;
  const embedded = defaultHost === '127.0.0.1';
  greet(`http://${host}:${port}`, embedded ? await prepareDemo(app.get(CommandBus)) : []);
  return app;
}

/** In an empty database: accounts to sign in with, and what has happened between them so far. */
async function prepareDemo(commands: CommandBus): Promise<DemoAccount[]> {
  const accounts = await commands.execute(new CreateDemoAccounts());
  const [anna, vera, boris] = ['anna', 'vera', 'boris'].map((name) =>
    accounts.find(({ email }) => email === `${name}@example.com`),
  );
  if (anna && vera && boris) {
    await commands.execute(new CreateDemoVisits(anna.id, vera.id, boris.id));
    await commands.execute(new ProposeBookings());
  }
  return accounts;
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

await run(start);
