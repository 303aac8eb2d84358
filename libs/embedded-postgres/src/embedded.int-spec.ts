import { logger, migrate } from '#platform';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { startEmbeddedPostgres, type EmbeddedPostgres } from './embedded.js';

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

it('keeps its data, and stops at once with open connections', async () => {
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

it('refuses a folder in use, and does not disturb its user', async () => {
  const { url } = await start();
  await expect(start()).rejects.toThrow(`DATA_DIR (${folder}) is in use by another running server`);
  expect(await query(url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
});

it('takes over from a dead owner', async () => {
  const orphan = await start();
  await query(orphan.url, 'CREATE TABLE kept (id int)');
  // The kernel does this to the connections of a killed process.
  await query(orphan.adminUrl, "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'");
  const heir = await start();
  expect(await query(heir.url, 'SELECT count(*)::int FROM kept')).toEqual([{ count: 0 }]);
  await expect(query(orphan.url, 'SELECT')).rejects.toThrow();
});

it('starts although the process id in a stale lock file belongs to another program now', async () => {
  const first = await start();
  const lock = join(folder, 'postgres/postmaster.pid');
  const content = readFileSync(lock, 'utf8');
  await first.stop();
  writeFileSync(lock, content.replace(/^\d+/, String(process.ppid)));
  await start();
});

it('migrates once, however many processes try', async () => {
  const { url } = await start();
  await Promise.all([migrate(url), migrate(url), migrate(url)]);
  const [row] = await query(
    url,
    'SELECT count(*) = count(DISTINCT migration_name) AS once FROM _prisma_migrations',
  );
  expect(row).toEqual({ once: true });
});

const OTHERS = `
  SELECT oid::regclass::text AS name FROM pg_class WHERE relnamespace IN ('public'::regnamespace, to_regnamespace('jobs')) AND relkind IN ('r', 'S', 'v')
    AND relowner <> 'service_platform'::regrole
  UNION ALL SELECT proname FROM pg_proc LEFT JOIN pg_depend ON objid = pg_proc.oid AND deptype = 'e'
  WHERE pronamespace = 'public'::regnamespace AND proowner <> 'service_platform'::regrole AND objid IS NULL
  UNION ALL SELECT typname FROM pg_type LEFT JOIN pg_depend ON objid = pg_type.oid AND deptype = 'e'
  WHERE typnamespace = 'public'::regnamespace AND typowner <> 'service_platform'::regrole AND objid IS NULL AND typtype = 'e'`;

it('the app may do everything in its database, and nothing outside of it', async () => {
  const { url } = await start();
  await migrate(url);
  const [role] = await query(
    url,
    `SELECT current_user AS name, rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls AS more,
      (SELECT array_agg(datname::text) FROM pg_database WHERE datdba = pg_roles.oid) AS owns
    FROM pg_roles WHERE rolname = current_user`,
  );
  expect(role).toEqual({ name: 'service_platform', more: false, owns: ['service_platform'] });
  for (const sql of [
    `SELECT pg_read_file('${join(folder, 'postgres-password')}')`,
    `COPY (SELECT 1) TO '${join(folder, 'written')}'`,
    `COPY users FROM PROGRAM 'true'`,
    'CREATE ROLE other',
    'CREATE DATABASE other',
    'ALTER SYSTEM SET work_mem = 64',
  ])
    await expect(query(url, sql)).rejects.toThrow(/permission denied/);
});

it('takes over the tables of a folder where they belong to the superuser', async () => {
  const before = await start();
  await query(before.adminUrl, 'ALTER DATABASE service_platform OWNER TO postgres');
  await migrate(before.adminUrl);
  await query(before.adminUrl, 'CREATE TABLE counted (id serial, at bigint GENERATED ALWAYS AS IDENTITY)');
  await query(before.adminUrl, 'INSERT INTO counted DEFAULT VALUES');
  // As the queue does.
  await query(
    before.adminUrl,
    'CREATE SCHEMA jobs; CREATE TABLE jobs.ledger (id serial); CREATE TYPE jobs.pair AS (a int)',
  );
  expect((await query(before.adminUrl, OTHERS)).length).toBeGreaterThan(20);
  await before.stop();
  const { url } = await start();
  expect(await query(url, OTHERS)).toEqual([]);
  await query(url, 'ALTER TABLE users ADD COLUMN later int; ALTER TYPE role ADD VALUE $$later$$');
  expect(await query(url, 'INSERT INTO counted DEFAULT VALUES RETURNING id')).toEqual([{ id: 2 }]);
  await query(
    url,
    'CREATE TABLE jobs.more (pair jobs.pair); ALTER TYPE jobs.pair ADD ATTRIBUTE b int; ALTER TABLE jobs.ledger ADD COLUMN x int',
  );
});

it('PostgreSQL itself cannot read files of root, also below a folder that only root may enter', async () => {
  if (process.getuid?.() !== 0) return;
  const { adminUrl } = await start();
  const secret = join(folder, 'secret');
  writeFileSync(secret, 'of root alone', { mode: 0o600 });
  await expect(query(adminUrl, `SELECT pg_read_file('${secret}')`)).rejects.toThrow(/Permission denied/);
  const written = `COPY (SELECT 1) TO '${join(folder, 'written')}'`;
  await expect(query(adminUrl, written)).rejects.toThrow(/Permission denied/);
});

it('names the wrong setting, but not the password', async () => {
  for (const folder of ['/dev/null/data', '/proc/data', '/proc/data/deep'])
    await expect(startEmbeddedPostgres(folder)).rejects.toThrow(`DATA_DIR (${folder}) cannot be used`);
  const attempt = migrate('postgresql://somebody:secret@127.0.0.1:1/none');
  await expect(attempt).rejects.toThrow(/^DATABASE_URL: (?!.*secret).*ECONNREFUSED/);
});

it('restarts at the same address when it ends by itself', async () => {
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
