import { StartupError } from '#platform';
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { SUPERUSER } from './cluster.js';

/**
 * The process that holds this session lock owns the server. When it dies in any way, the kernel closes its connection,
 * and PostgreSQL frees the lock. So the lock is free exactly when the owner is gone.
 */
const OWNER_LOCK = 7_276_540_211;

/**
 * A connection that owns the server; undefined while another process owns it. Any other error means that the server is
 * just starting or stopping.
 * @throws StartupError (when a connection will never succeed)
 */
export async function claim(port: number, password: string): Promise<Client | undefined> {
  const client = new Client({
    host: '127.0.0.1',
    port,
    user: SUPERUSER,
    password,
    database: 'postgres',
    ssl: false,
    connectionTimeoutMillis: 2_000,
  });
  // The connection ends with the server; the app notices that by its own connections.
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<{ mine: boolean }>('SELECT pg_try_advisory_lock($1) AS mine', [
      OWNER_LOCK,
    ]);
    if (rows[0]?.mine) return client;
  } catch (error) {
    client.end().catch(() => undefined);
    const { code, message } = error as Error & { code?: string };
    const permanent = code?.length === 5 && !code.startsWith('57P');
    throw permanent ? new StartupError(`DATA_DIR: the database there refuses its user: ${message}`) : error;
  }
  await client.end();
  return undefined;
}

/** Stops the server that a killed process left running on this cluster. Refuses while its owner lives. */
export async function stopOrphan(cluster: string, password: string): Promise<void> {
  const deadline = performance.now() + 15_000;
  for (let refusals = 0; ; await sleep(150)) {
    const postmaster = findPostmaster(cluster);
    if (!postmaster) return;
    try {
      const owner = await claim(postmaster.port, password);
      if (owner) return await stopAndWait(cluster, postmaster.pid);
      // The death of an owner killed a moment ago may not have been noticed yet.
      if (++refusals === 8) break;
    } catch (error) {
      if (error instanceof StartupError) throw error;
      // It is just starting or stopping.
    }
    if (performance.now() > deadline) break;
  }
  throw inUse(cluster);
}

export function inUse(cluster: string): StartupError {
  return new StartupError(`DATA_DIR (${dirname(cluster)}) is in use by another running server`);
}

async function stopAndWait(cluster: string, pid: number): Promise<void> {
  process.kill(pid, 'SIGINT');
  for (let waited = 0; findPostmaster(cluster)?.pid === pid; waited += 50) {
    if (waited === 3_000) process.kill(pid, 'SIGQUIT');
    if (waited > 10_000)
      throw new StartupError(
        `DATA_DIR: the PostgreSQL left running on ${cluster} does not stop (process ${pid})`,
      );
    await sleep(50);
  }
}

/** The live server of this cluster, from its lock file: process id on line 1, port on line 4. */
export function findPostmaster(cluster: string): { pid: number; port: number } | undefined {
  const file = join(cluster, 'postmaster.pid');
  const content = readIfThere(file);
  const [pid, , , port] = content.split('\n').map(Number);
  if (!pid || !isAlive(pid)) return undefined;
  if (commandOf(pid).includes(cluster)) return { pid, port: port || 0 };
  // The id belongs to another program now, because of which PostgreSQL would refuse to start.
  if (readIfThere(file) === content) rmSync(file, { force: true });
  return undefined;
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function commandOf(pid: number): string {
  try {
    if (process.platform === 'linux') return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    return execFileSync('ps', ['-ww', '-o', 'command=', '-p', String(pid)], { encoding: 'utf8' });
  } catch {
    return '';
  }
}
