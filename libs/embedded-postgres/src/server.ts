import type { ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import type { Run } from './account.js';

export interface Server {
  port: number;
  /** Resolves with `stopped` when anybody stopped it, or `crashed` when it exited by itself. */
  exited: Promise<'stopped' | 'crashed'>;
  hasExited(): boolean;
  output(): string;
  stop(): Promise<void>;
}

/** Runs PostgreSQL on a free port of the loopback interface. */
export function launch(run: Run, postgres: string, cluster: string, port: number, fsync: boolean): Server {
  const args = ([folder]: string[]) => ['-D', folder!, '-p', String(port), ...settings(cluster, fsync)];
  // A separate process group: Ctrl-C in a terminal must reach only this process, which drains before it stops.
  const child = run(postgres, [cluster], args, { detached: true });
  let output = '';
  child.stderr?.on('data', (chunk) => (output = (output + String(chunk)).slice(-8_192)));
  child.once('error', (error) => (output += `error: ${error.message}`));
  const exited = new Promise<'stopped' | 'crashed'>((done) => {
    child
      .once('exit', (code) => done(code === 0 ? 'stopped' : 'crashed'))
      .once('error', () => done('crashed'));
  });
  let hasExited = false;
  void exited.then(() => (hasExited = true));

  // The server keeps no process alive, and ends with this process when `stop()` is not called.
  child.unref();
  (child.stderr as Socket | null)?.unref();
  const endToo = () => void child.kill('SIGINT');
  process.once('exit', endToo);
  void exited.then(() => process.removeListener('exit', endToo));

  let stopping: Promise<void> | undefined;
  const end = () => (stopping ??= stop(child, exited));
  return { port, exited, hasExited: () => hasExited, output: () => output, stop: end };
}

/** A fast shutdown rolls back and closes connections. If it takes too long, the next start recovers from the log. */
async function stop(child: ChildProcess, exited: Promise<unknown>): Promise<void> {
  child.ref();
  child.kill('SIGINT');
  const impatience = setTimeout(() => child.kill('SIGQUIT'), 3_000);
  await exited;
  clearTimeout(impatience);
}

function settings(cluster: string, fsync: boolean): string[] {
  const values = {
    // Identifies the process in a process list.
    'service_platform.cluster': cluster,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: 300,
    shared_buffers: '256MB',
    // One server without replicas, short queries.
    wal_level: 'minimal',
    max_wal_senders: 0,
    max_parallel_workers_per_gather: 0,
    jit: 'off',
    timezone: 'UTC',
    // Only errors that end a session or the server: the application logs its own errors.
    log_min_messages: 'fatal',
    ...(fsync ? {} : { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
  };
  return Object.entries(values).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}
