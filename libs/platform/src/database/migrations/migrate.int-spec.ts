import { DatabaseSession } from '#testing';
import { randomUUID } from 'node:crypto';
import { migrate } from './migrate.js';

/** How long Prisma's engine waits for its own lock, ms. */
const ENGINE_MS = 10_000;

it('a process that starts during a migration waits for its end', async () => {
  const { TEST_DATABASE_URL } = process.env;
  const server = await DatabaseSession.at(TEST_DATABASE_URL!);
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await server.query(`CREATE DATABASE "${name}"`);
  const url = new URL(TEST_DATABASE_URL!);
  url.pathname = name;
  const databaseSession = await DatabaseSession.at(url.href);

  // The first migration's table is created by another transaction, until that is rolled back.
  await databaseSession.query('BEGIN');
  await databaseSession.query('CREATE TABLE users (id uuid)');
  const one = migrate(url.href);
  await databaseSession.somebodyWaits();
  const later = setTimeout;
  const soon = (work: () => void, ms?: number) => later(work, ms === ENGINE_MS ? 1 : ms);
  jest.spyOn(globalThis, 'setTimeout').mockImplementation(soon);
  const other = migrate(url.href);
  other.catch(() => undefined);
  while ((await databaseSession.waiters()) < 2) await new Promise(setImmediate);
  await databaseSession.query('ROLLBACK');
  await Promise.all([one, other]);

  jest.restoreAllMocks();
  await databaseSession.end();
  await server.query(`DROP DATABASE "${name}" WITH (FORCE)`);
  await server.end();
});
