import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { startEmbeddedPostgres, type EmbeddedPostgres } from './embedded.js';
import { logger } from '../logging.js';
import { migrate } from './migrate.js';

jest.setTimeout(60_000);

let folder: string;
let started: EmbeddedPostgres[];
const start = async () => {
  const postgres = await startEmbeddedPostgres(folder, { fsync: false });
  started.push(postgres);
  return postgres;
};

beforeEach(() => {
  started = [];
  folder = mkdtempSync(join(tmpdir(), 'embedded-'));
});
afterEach(async () => {
  for (const postgres of started) await postgres.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

it('keeps its data, and stops at once with connections open', async () => {
  const first = await start();
  await query(first.url, 'CREATE TABLE kept AS SELECT lower($$ПРИВЕТ$$) AS word');
  const busy = new Client({ connectionString: first.url });
  busy.on('error', () => undefined);
  await busy.connect();
  const cut = expect(busy.query('SELECT pg_sleep(60)')).rejects.toThrow();
  const began = Date.now();
  await first.stop();
  expect(Date.now() - began).toBeLessThan(4_000);
  await cut;

  const second = await start();
  expect(await query(second.url, 'SELECT word FROM kept')).toEqual([{ word: 'привет' }]);
});

it('refuses a folder that is in use, and leaves its user alone', async () => {
  const { url } = await start();
  await expect(start()).rejects.toThrow(`DATA_DIR (${folder}) is in use by another running server`);
  expect(await query(url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
});

it('takes over from an owner that is gone', async () => {
  const orphan = await start();
  await query(orphan.url, 'CREATE TABLE kept (id int)');
  // What the kernel does to the connections of a killed process.
  await query(orphan.url, "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'");
  const heir = await start();
  expect(await query(heir.url, 'SELECT count(*)::int FROM kept')).toEqual([{ count: 0 }]);
  await expect(query(orphan.url, 'SELECT')).rejects.toThrow();
});

it('starts although the process id in a stale lock file is now of another program', async () => {
  const first = await start();
  const lock = join(folder, 'postgres/postmaster.pid');
  const content = readFileSync(lock, 'utf8');
  await first.stop();
  writeFileSync(lock, content.replace(/^\d+/, String(process.ppid)));
  await start();
});

it('migrates once, however many ask', async () => {
  const { url } = await start();
  await Promise.all([migrate(url), migrate(url), migrate(url)]);
  const [row] = await query(
    url,
    'SELECT count(*) = count(DISTINCT migration_name) AS once FROM _prisma_migrations',
  );
  expect(row).toEqual({ once: true });
});

it('says which setting is wrong, and not the password', async () => {
  await expect(startEmbeddedPostgres('/dev/null/data')).rejects.toThrow(/^DATA_DIR \(\/dev\/null\/data\)/);
  const attempt = migrate('postgresql://somebody:secret@127.0.0.1:1/none');
  await expect(attempt).rejects.toThrow(/^DATABASE_URL: (?!.*secret).*ECONNREFUSED/);
});

it('comes back at the same address when it ends by itself', async () => {
  logger.level = 'silent';
  const postgres = await startEmbeddedPostgres(folder);
  started.push(postgres);
  const { url } = postgres;
  await query(url, 'CREATE TABLE kept AS SELECT 7 AS number');
  const pid = Number(readFileSync(join(folder, 'postgres/postmaster.pid'), 'utf8').split('\n')[0]);
  process.kill(pid, 'SIGKILL');
  let rows: Record<string, unknown>[] | undefined;
  for (const deadline = Date.now() + 20_000; !rows && Date.now() < deadline; await sleep(100))
    rows = await query(url, 'SELECT number FROM kept').catch(() => undefined);
  expect(rows).toEqual([{ number: 7 }]);
});
