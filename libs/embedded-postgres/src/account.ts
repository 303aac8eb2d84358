import { StartupError } from '#platform';
import {
  spawn,
  spawnSync,
  type ChildProcess,
  type SpawnOptions,
  type StdioOptions,
} from 'node:child_process';
import { closeSync, openSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** What a program is handed open comes after its standard streams. */
const FIRST_FD = 3;

/** Whom the PostgreSQL processes run as, when this is not the user of this process. */
export interface Account {
  uid: number;
  gid: number;
}

/**
 * Runs a PostgreSQL program. `args` gets the names by which it reaches `paths`. Of its output only stderr is a pipe.
 */
export type Run = (
  file: string,
  paths: string[],
  args: (names: string[]) => string[],
  options?: Pick<SpawnOptions, 'detached'>,
) => ChildProcess;

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
  throw new StartupError('PostgreSQL does not run as root: start as an ordinary user, or set DATABASE_URL');
}

/** How to run a program as that account, which has nothing of root's power. */
export function runner(account: Account | undefined, { postgres }: { postgres: string }): Run {
  const always = { ...account, env: environment(), cwd: '/' };
  const { error, status, stderr } = spawnSync(postgres, ['--version'], { ...always, timeout: 10_000 });
  if (error || status !== 0) {
    const reason = error?.message ?? String(stderr).trim().split('\n').at(-1);
    throw new StartupError(
      account
        ? `PostgreSQL cannot be started from root here (${reason}): start as an ordinary user, or set DATABASE_URL`
        : `PostgreSQL's program does not run on this system (${reason}): set DATABASE_URL to use another server`,
    );
  }
  return (file, paths, args, options) => {
    // Below a folder that only root may enter (such as /root) the account is handed what is its own, already open.
    const isClosed = account && !paths.every(isBelowOpenFolders);
    if (isClosed && process.platform !== 'linux')
      throw new StartupError(
        'DATA_DIR: is below a folder that only root may enter: start as an ordinary user',
      );
    const open = isClosed ? paths.map((path) => openSync(path, 'r')) : [];
    const names = isClosed ? open.map((_, i) => `/proc/self/fd/${FIRST_FD + i}`) : paths;
    const stdio: StdioOptions = ['ignore', 'ignore', 'pipe', ...open];
    try {
      return spawn(file, args(names), { ...options, ...always, stdio });
    } finally {
      for (const fd of open) closeSync(fd);
    }
  };
}

/** Whether every account may go through all folders that a path is in. */
export function isBelowOpenFolders(path: string): boolean {
  const parent = dirname(path);
  return parent === path || ((statSync(parent).mode & 0o001) !== 0 && isBelowOpenFolders(parent));
}

/** Nothing of the caller's PG* variables or language settings reaches the server. */
function environment(): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' };
}
