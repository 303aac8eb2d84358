import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import getPort from 'get-port';
import pg from 'pg';
import { stop, track, type Running } from './processes.js';
import { cpuSeconds, createDatabase, startApp, type Cluster } from './system.js';

export interface Nodes {
  /** The addresses of the realtime nodes. */
  urls: string[];
  api: Running;
  /** The processes of all apps. */
  processes: Running[];
  secret: string;
  db: pg.Client;
  /** CPU time of the realtime nodes so far. */
  cpuSeconds(): Promise<number>;
  stop(): Promise<void>;
}

/** Starts Redis as docker-compose.yml does. Undefined when it is not installed. */
export async function startRedis({
  dir,
}: Cluster): Promise<{ url: string; stop(): Promise<void> } | undefined> {
  const port = await getPort({ host: '127.0.0.1' });
  const settings = {
    port,
    bind: '127.0.0.1',
    dir: await mkdtemp(join(dir, 'redis-')),
    'maxmemory-policy': 'noeviction',
    appendonly: 'yes',
  };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const child = track(spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'inherit'] }));
  const started = await Promise.race([
    once(child.stdout!, 'data'),
    once(child, 'error').catch(() => undefined),
  ]);
  if (!started || started[0] instanceof Error) return undefined;
  return { url: `redis://127.0.0.1:${port}`, stop: () => stop(child) };
}

/** Starts an api, a worker and the given number of realtime nodes, on their own database and Redis database. */
export async function startNodes(
  cluster: Cluster,
  redis: { url: string },
  count: number,
  settings: NodeJS.ProcessEnv = {},
  flags?: string[],
): Promise<Nodes> {
  const secret = randomBytes(32).toString('hex');
  const databaseUrl = await createDatabase(cluster, `nodes_${count}`);
  const env = {
    DATABASE_URL: databaseUrl,
    REDIS_URL: `${redis.url}/${count}`,
    JWT_SECRET: secret,
    ...settings,
  };
  const start = (app: string) => startApp(app, env, flags);
  const realtime = await Promise.all(Array.from({ length: count }, () => start('realtime')));
  const [api, worker] = await Promise.all([start('api'), start('worker')]);
  const processes = [...realtime, api, worker];
  const db = new pg.Client(databaseUrl);
  await db.connect();
  return {
    urls: realtime.map(({ url }) => url),
    api,
    processes,
    secret,
    db,
    cpuSeconds: async () => (await Promise.all(realtime.map(cpuSeconds))).reduce((sum, one) => sum + one, 0),
    stop: async () => {
      await Promise.all(processes.map((app) => app.stop()));
      await db.end();
    },
  };
}
