import getPort from 'get-port';
import { mkdirSync, realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from 'pg';
import { accountFor, runner } from './account.js';
import { locateBinaries } from './binaries.js';
import { ensureCluster, failureIn, removeUnfinished, SUPERUSER } from './cluster.js';
import { claim, inUse, stopOrphan } from './orphan.js';
import { launch, type Server } from './server.js';
import { StartError } from './start-error.js';
import { logger } from '../logging.js';

const DATABASE = 'service_platform';

export interface EmbeddedPostgres {
  url: string;
  /** Ends every connection and waits for the server, 4 s at most. */
  stop(): Promise<void>;
}

/**
 * Starts a PostgreSQL whose data lives in `<dataDir>/postgres`, made at the first start. It ends with this process,
 * except after `kill -9`: then the next start on the same folder stops it first. Throws StartError.
 * `fsync: false` trades the safety of the data for speed: for tests.
 */
export async function startEmbeddedPostgres(
  dataDir: string,
  options: { fsync?: boolean } = {},
): Promise<EmbeddedPostgres> {
  const fsync = options.fsync ?? true;
  try {
    mkdirSync(dataDir, { recursive: true });
    const folder = realpathSync(dataDir);
    const cluster = join(folder, 'postgres');
    const binaries = locateBinaries();
    const account = accountFor(cluster);
    const run = runner(account, binaries, cluster);
    const password = await ensureCluster(folder, binaries.initdb, run, account, fsync);

    const start = (port?: number) =>
      startOwned(cluster, password, (free) => launch(run, binaries.postgres, cluster, port ?? free, fsync));
    const server = await start();
    removeUnfinished(folder);
    return {
      url: `postgresql://${SUPERUSER}:${password}@127.0.0.1:${server.port}/${DATABASE}?sslmode=disable`,
      stop: keepRunning(server, () => start(server.port)),
    };
  } catch (error) {
    if (error instanceof StartError || !(error as NodeJS.ErrnoException).syscall) throw error;
    throw new StartError(`DATA_DIR (${resolve(dataDir)}) cannot be used: ${(error as Error).message}`);
  }
}

/** Starts the server again whenever it ends by itself, at the same address; answers how to stop it for good. */
function keepRunning(first: Server, restart: () => Promise<Server>): () => Promise<void> {
  let current = Promise.resolve(first);
  let stopping = false;
  const watch = async (server: Server): Promise<void> => {
    if ((await server.exited) === 'stopped' || stopping) return;
    logger.error({ output: failureIn(server.output()) }, 'PostgreSQL ended by itself, starting it again');
    current = again();
    await watch(await current);
  };
  const again = (): Promise<Server> =>
    restart().catch(async (err: Error) => {
      logger.error({ err: err.message }, 'PostgreSQL does not start, trying again');
      await sleep(1000, undefined, { ref: false });
      return stopping ? first : again();
    });
  void watch(first);
  return async () => {
    stopping = true;
    await (await current).stop();
  };
}

/** Something else may take the port, or the folder, between looking and starting: then look again. */
async function startOwned(
  cluster: string,
  password: string,
  start: (port: number) => Server,
): Promise<Server> {
  const passing = /lock file .* already exists|pre-existing shared memory|create any TCP\/IP sockets/;
  for (const deadline = performance.now() + 10_000; ; await sleep(200)) {
    await stopOrphan(cluster, password);
    const server = start(await getPort({ host: '127.0.0.1' }));
    const owner = await ready(server, server.port, password).catch(async (error: unknown) => {
      await server.stop();
      throw error;
    });
    if (owner === 'exited') {
      if (passing.test(server.output()) && performance.now() < deadline) continue;
      throw new StartError(
        `DATA_DIR: PostgreSQL does not start on ${cluster}: ${failureIn(server.output())}`,
      );
    }
    if (!owner) {
      await server.stop();
      throw inUse(cluster);
    }
    await ensureDatabase(owner).catch(async (error: Error) => {
      await server.stop();
      throw new StartError(`DATA_DIR: the database on ${cluster} cannot be used: ${error.message}`);
    });
    return server;
  }
}

async function ensureDatabase(owner: Client): Promise<void> {
  const { rowCount } = await owner.query('SELECT FROM pg_database WHERE datname = $1', [DATABASE]);
  if (!rowCount) await owner.query(`CREATE DATABASE ${DATABASE}`);
  // From here on neither the server nor this connection keeps the process alive.
  (owner as unknown as { unref(): void }).unref();
}

/** The owning connection; undefined if another process owns the server. Recovery after a crash may take a while. */
async function ready(server: Server, port: number, password: string): Promise<Client | undefined | 'exited'> {
  for (const deadline = performance.now() + 120_000; ; await sleep(20)) {
    if (server.hasExited()) return 'exited';
    try {
      return await claim(port, password);
    } catch (error) {
      if (error instanceof StartError) throw error;
      if (performance.now() > deadline)
        throw new StartError(`DATA_DIR: PostgreSQL does not answer: ${failureIn(server.output())}`);
    }
  }
}
