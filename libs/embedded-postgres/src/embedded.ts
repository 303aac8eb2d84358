import { StartupError, logger } from '#platform';
import getPort from 'get-port';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, realpathSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from 'pg';
import { accountFor, runner } from './account.js';
import { APP, ensureAppDatabase } from './app-database.js';
import { locateBinaries } from './binaries.js';
import { ensureCluster, passwordIn, failureIn, removeUnfinished, SUPERUSER } from './cluster.js';
import { claim, findPostmaster, inUse, stopOrphan } from './orphan.js';
import { launch, type Server } from './server.js';

export interface EmbeddedPostgres {
  /** With the role that owns the database, and may do nothing else. */
  url: string;
  /** With the superuser: for scratch databases. */
  adminUrl: string;
  /** Closes every connection and waits for the server, 4 s at most. */
  stop(): Promise<void>;
}

/**
 * Starts a PostgreSQL with its data in `<dataDir>/postgres`, created at the first start. It ends with this process,
 * except after `kill -9`: then the next start on the same folder stops it first. `fsync: false` trades the safety of
 * the data for speed, for tests.
 * @throws StartupError
 */
export async function startEmbeddedPostgres(
  dataDir: string,
  options: { fsync?: boolean } = {},
): Promise<EmbeddedPostgres> {
  const fsync = options.fsync ?? true;
  try {
    makeFolder(dataDir);
    const folder = realpathSync(dataDir);
    const cluster = join(folder, 'postgres');
    const account = accountFor(cluster);
    const binaries = locateBinaries(account);
    const run = runner(account, binaries);
    const password = await ensureCluster(folder, binaries.initdb, run, account, fsync);

    // Generated per process, and stored nowhere.
    const appPassword = randomBytes(24).toString('base64url');
    const start = (port?: number) =>
      startOwned(cluster, password, appPassword, (free) =>
        launch(run, binaries.postgres, cluster, port ?? free, fsync),
      );
    const server = await start();
    removeUnfinished(folder);
    return {
      url: urlOf(APP, appPassword, server.port),
      adminUrl: urlOf(SUPERUSER, password, server.port),
      stop: keepRunning(server, () => start(server.port)),
    };
  } catch (error) {
    if (error instanceof StartupError || !(error as NodeJS.ErrnoException).syscall) throw error;
    throw new StartupError(`DATA_DIR (${resolve(dataDir)}) cannot be used: ${(error as Error).message}`);
  }
}

/** Node's recursive mkdir loops for ever where a folder exists and refuses with ENOENT, as /proc does. */
function makeFolder(path: string): void {
  if (existsSync(path)) return;
  makeFolder(dirname(path));
  try {
    mkdirSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/** The address of a server that runs on this folder, with the superuser; undefined when none does. For developers. */
export function urlOfRunning(dataDir: string): string | undefined {
  if (!existsSync(dataDir)) return undefined;
  const folder = realpathSync(dataDir);
  const cluster = join(folder, 'postgres');
  const postmaster = findPostmaster(cluster);
  if (!postmaster) return undefined;
  const password = passwordIn(folder, accountFor(cluster));
  return urlOf(SUPERUSER, password, postmaster.port);
}

const urlOf = (role: string, secret: string, port: number) =>
  `postgresql://${role}:${secret}@127.0.0.1:${port}/${APP}?sslmode=disable`;

/**
 * Restarts the server at the same address whenever it exits by itself. Returns a function that stops it permanently.
 */
function keepRunning(first: Server, restart: () => Promise<Server>): () => Promise<void> {
  let current = Promise.resolve(first);
  let stopping = false;
  const watch = async (server: Server): Promise<void> => {
    if ((await server.exited) === 'stopped' || stopping) return;
    logger.error({ output: failureIn(server.output()) }, 'PostgreSQL exited, restarting it');
    current = again();
    await watch(await current);
  };
  const again = (): Promise<Server> =>
    restart().catch(async (err: Error) => {
      logger.error({ err: err.message }, 'PostgreSQL start failed, retrying');
      await sleep(1000, undefined, { ref: false });
      return stopping ? first : again();
    });
  void watch(first);
  return async () => {
    stopping = true;
    await (await current).stop();
  };
}

/** Retries when another program takes the port or the folder between the check and the start. */
async function startOwned(
  cluster: string,
  password: string,
  appPassword: string,
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
      throw new StartupError(
        `DATA_DIR: PostgreSQL does not start on ${cluster}: ${failureIn(server.output())}`,
      );
    }
    if (!owner) {
      await server.stop();
      throw inUse(cluster);
    }
    await ensureAppDatabase(owner, appPassword).catch(async (error: Error) => {
      await server.stop();
      throw new StartupError(`DATA_DIR: the database on ${cluster} cannot be used: ${error.message}`);
    });
    // From here on, neither the server nor this connection keeps the process alive.
    (owner as typeof owner & { unref(): void }).unref();
    return server;
  }
}

/** The owning connection; undefined if another process owns the server. Recovery after a crash may take a while. */
async function ready(server: Server, port: number, password: string): Promise<Client | undefined | 'exited'> {
  for (const deadline = performance.now() + 120_000; ; await sleep(20)) {
    if (server.hasExited()) return 'exited';
    try {
      return await claim(port, password);
    } catch (error) {
      if (error instanceof StartupError) throw error;
      if (performance.now() > deadline)
        throw new StartupError(`DATA_DIR: PostgreSQL does not answer: ${failureIn(server.output())}`);
    }
  }
}
