import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import getPort from 'get-port';
import pg from 'pg';
import { startServer, stop, type Running } from './processes.js';

export interface Cluster {
  url: string;
  dir: string;
  stop(): Promise<void>;
}

export interface System extends Running {
  db: pg.Client;
  secret: string;
}

/** A separate PostgreSQL with the settings of `npm start`: fsync on, data on disk. */
export async function startPostgres(): Promise<Cluster> {
  // Imported here, since measuring the relay alone needs none of the platform.
  const { startEmbeddedPostgres } = await import('#embedded-postgres');
  const dir = await mkdtemp(join(tmpdir(), 'bench-'));
  const postgres = await startEmbeddedPostgres(dir);
  // At the exit, so that an interrupted run is cleaned up too.
  process.once('exit', () => rmSync(dir, { recursive: true, force: true, maxRetries: 5 }));
  return { dir, url: postgres.adminUrl, stop: postgres.stop };
}

/** Limits high enough not to affect the results. */
const RAISED = {
  MESSAGE_RATE: '1000000',
  MESSAGE_BURST: '1000000',
  SOCKET_EVENT_RATE: '1000000',
  READ_RATE: '1000000',
  SEARCH_RATE: '1000000',
  CONNECTIONS_PER_ADDRESS: '1000000',
};
/** For benches that measure the limits themselves. */
export const DEFAULT_LIMITS: NodeJS.ProcessEnv = Object.fromEntries(
  Object.keys(RAISED).map((name) => [name, undefined]),
);

/** The whole system in one process. */
export async function startSystem(
  cluster: Cluster,
  databaseUrl = cluster.url,
  env: NodeJS.ProcessEnv = {},
  flags?: string[],
  checkout?: string,
): Promise<System> {
  const secret = randomBytes(32).toString('hex');
  const settings = {
    DATA_DIR: await mkdtemp(join(cluster.dir, 'system-')),
    DATABASE_URL: databaseUrl,
    JWT_SECRET: secret,
    ...env,
  };
  const app = await startApp('standalone', settings, flags, checkout);
  const db = new pg.Client(databaseUrl);
  await db.connect();
  const end = async () => {
    await app.stop();
    await db.end();
  };
  return { ...app, secret, db, stop: end };
}

/** Starts one process of the system, and waits until it is ready. */
export async function startApp(
  app: string,
  env: NodeJS.ProcessEnv,
  flags?: string[],
  checkout?: string,
): Promise<Running> {
  const port = await getPort({ host: '127.0.0.1' });
  const url = `http://127.0.0.1:${port}`;
  const settings = {
    PORT: String(port),
    HOST: '127.0.0.1',
    REDIS_URL: undefined,
    LOG_LEVEL: 'error',
    ...RAISED,
    PRESENCE_AUDIENCE: 'contacts',
    ...env,
  };
  const child = startServer(`apps/${app}/src/main.js`, settings, flags, checkout);
  const deadline = Date.now() + 60_000;
  while (!(await answers(`${url}/health/ready`))) {
    if (child.exitCode !== null) throw new Error(`${app} ended at its start (code ${child.exitCode})`);
    if (Date.now() > deadline) throw new Error(`${app} was not ready within a minute`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  return { url, pid: child.pid!, stop: () => stop(child) };
}

/** CPU time of a process so far, from its own metrics. */
export async function cpuSeconds({ url }: { url: string }): Promise<number> {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  return Number(/^process_cpu_seconds_total (\S+)/m.exec(metrics)![1]);
}

export async function createDatabase(cluster: Cluster, name: string): Promise<string> {
  const db = new pg.Client(cluster.url);
  await db.connect();
  await db.query(`CREATE DATABASE ${name}`);
  await db.end();
  const url = new URL(cluster.url);
  url.pathname = `/${name}`;
  return url.href;
}

/** Settings under which an acknowledged commit might not be on disk. */
export async function durabilityProblems(db: pg.Client): Promise<string[]> {
  const { rows } = await db.query<{ name: string; setting: string }>(
    `SELECT name, setting FROM pg_settings
     WHERE name IN ('fsync', 'synchronous_commit', 'full_page_writes') AND setting <> 'on'`,
  );
  return rows.map(({ name, setting }) => `${name} is ${setting}`);
}

async function answers(url: string): Promise<boolean> {
  return fetch(url).then(
    (response) => response.ok,
    () => false,
  );
}
