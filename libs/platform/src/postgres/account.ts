import { spawn, spawnSync, type SpawnOptions, type ChildProcess } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Binaries } from './binaries.js';
import { StartError } from './start-error.js';

/** Whom the PostgreSQL processes run as, when this is not the user of this process. */
export interface Account {
  uid: number;
  gid: number;
}

export type Run = (file: string, args: string[], options: SpawnOptions) => ChildProcess;

/** PostgreSQL refuses to run as root: root runs it as the owner of the cluster, or as an account that exists. */
export function accountFor(cluster: string): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const owner = statSync(cluster, { throwIfNoEntry: false });
  if (owner && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid };
  const accounts = readFileSync('/etc/passwd', 'utf8').split('\n');
  for (const name of ['postgres', '_postgres', 'nobody']) {
    const [, , uid, gid] = accounts.find((line) => line.startsWith(`${name}:`))?.split(':') ?? [];
    // macOS writes nobody's id as -2.
    if (uid && gid) return { uid: Number(uid) >>> 0, gid: Number(gid) >>> 0 };
  }
  throw new StartError('PostgreSQL does not run as root: start as an ordinary user, or set DATABASE_URL');
}

/**
 * How to run a program as that account. Below a folder that only root may enter (such as /root) it gets the one
 * capability that lets it pass, and nothing else of root's power.
 */
export function runner(account: Account | undefined, binaries: Binaries, cluster: string): Run {
  const command = commandFor(account, [binaries.postgres, cluster]);
  const probe = command(binaries.postgres, ['--version'], { env: environment(), cwd: '/', timeout: 10_000 });
  const { error, status, stderr } = spawnSync(...probe);
  if (error || status !== 0) {
    const missing = account && (error as { code?: string } | undefined)?.code === 'ENOENT';
    const reason = missing
      ? 'setpriv is missing'
      : (error?.message ?? String(stderr).trim().split('\n').at(-1));
    throw new StartError(
      account
        ? `PostgreSQL cannot be started from root here (${reason}): start as an ordinary user, or set DATABASE_URL`
        : `PostgreSQL's program does not run on this system (${reason}): set DATABASE_URL to use another server`,
    );
  }
  return (file, args, options) => spawn(...command(file, args, { ...options, env: environment(), cwd: '/' }));
}

type Command = (file: string, args: string[], options: SpawnOptions) => [string, string[], SpawnOptions];

function commandFor(account: Account | undefined, paths: string[]): Command {
  if (!account) return (file, args, options) => [file, args, options];
  if (paths.every(openToAll)) return (file, args, options) => [file, args, { ...options, ...account }];
  const drop = [`--reuid=${account.uid}`, `--regid=${account.gid}`, '--clear-groups'];
  // The secure bit makes access(2), with which PostgreSQL looks for its own programs, count the capability.
  const keep = [
    '--securebits=+no_setuid_fixup',
    '--inh-caps=+dac_override',
    '--ambient-caps=+dac_override',
    '--',
  ];
  return (file, args, options) => ['setpriv', [...drop, ...keep, file, ...args], options];
}

function openToAll(path: string): boolean {
  const parent = dirname(path);
  return parent === path || ((statSync(parent).mode & 0o001) !== 0 && openToAll(parent));
}

/** Nothing of the caller's PG* variables or language settings reaches the server. */
function environment(): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' };
}
