import { CreateDemoAccounts, type DemoAccount } from '#identity';
import { CreateDemoVisits, ProposeBookings } from '#marketplace';
import { listen, migrate, type Config } from '#platform';
import { CommandBus } from '@nestjs/cqrs';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { createApp } from './app.js';
import { isReachable } from './reachable.js';

/** Where a server listens unless HOST is set. With the embedded database it serves this machine. */
const DEFAULT_HOST = { embedded: '127.0.0.1', external: '0.0.0.0' };

/** Migrates the database and listens. An embedded database gets demo accounts. */
export async function serve(
  config: Config,
  database: keyof typeof DEFAULT_HOST,
): Promise<NestFastifyApplication> {
  await migrate(config.DATABASE_URL!);
  const app = await createApp(config);
  try {
    config.HOST ??= DEFAULT_HOST[database];
    // Before anybody can sign in to them.
    const accounts = database === 'embedded' ? await prepareDemo(app.get(CommandBus), config) : [];
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
