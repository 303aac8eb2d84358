import { CreateDemoAccounts, type DemoAccount } from '#identity';
import { CreateDemoVisits, ProposeBookings } from '#marketplace';
import { StartupError, listen, migrate, run, secretIn, type Config } from '#platform';
import { startEmbeddedPostgres } from '#embedded-postgres';
import { CommandBus } from '@nestjs/cqrs';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createApp } from './app.js';
import { isReachable } from './reachable.js';

/** A stop may take 5 seconds: this part is for sockets and requests, the rest for the database. */
const CLOSE_MS = 3000;

async function start(config: Config): Promise<{ close(): Promise<void> }> {
  if (config.DATABASE_URL) {
    if (!config.JWT_SECRET)
      throw new StartupError('JWT_SECRET: must be set when DATABASE_URL is (at least 32 characters)');
    return serve(config, '0.0.0.0');
  }
  const postgres = await startEmbeddedPostgres(config.DATA_DIR);
  try {
    config.DATABASE_URL = postgres.url;
    config.JWT_SECRET ??= secretIn(join(config.DATA_DIR, 'jwt-secret'));
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
  try {
    config.HOST ??= defaultHost;
    // Before anybody can sign in to them.
    const accounts = defaultHost === '127.0.0.1' ? await prepareDemo(app.get(CommandBus), config) : [];
    await listen(app, config);
    const { port } = app.getHttpServer().address() as { port: number };
    const host = config.HOST === '0.0.0.0' ? 'localhost' : config.HOST;
    printAddresses(`http://${host}:${port}`, accounts);
  } catch (error) {
    await app.close();
    throw error;
  }
  return app;
}

/** In an empty database: creates demo accounts and a history between them. */
async function prepareDemo(commands: CommandBus, config: Config): Promise<DemoAccount[]> {
  const isOpen = await isReachable(config);
  const accounts = await commands.execute(new CreateDemoAccounts(isOpen));
  const [anna, vera, boris] = ['anna', 'vera', 'boris'].map((name) =>
    accounts.find(({ email }) => email === `${name}@example.com`),
  );
  if (anna && vera && boris) {
    await commands.execute(new CreateDemoVisits(anna.id, vera.id, boris.id));
    await commands.execute(new ProposeBookings());
  }
  if (!isOpen) return accounts;
  // Printed at once: the passwords are stored nowhere else, and the rest of the start may fail.
  const made = accounts.filter(({ password }) => password);
  if (made.length > 0)
    console.log(
      [
        '',
        '  Other machines reach this server, so its demo accounts have new passwords, shown only now',
        ...list(made),
      ].join('\n'),
    );
  return [];
}

function printAddresses(url: string, accounts: DemoAccount[]): void {
  const lines = [
    '',
    `  Service Platform   ${url}`,
    `  REST and docs      ${url}/docs`,
    `  Socket.IO          ${url}`,
  ];
  if (accounts.length > 0) lines.push('', '  Demo accounts', ...list(accounts));
  console.log([...lines, '', '  Ctrl-C stops everything.', ''].join('\n'));
}

const list = (accounts: DemoAccount[]) =>
  accounts.map(({ email, password = '(changed)', role }) =>
    `    ${email.padEnd(20)} ${password}${role === 'admin' ? '   (admin)' : ''}`.trimEnd(),
  );

await run(start);
