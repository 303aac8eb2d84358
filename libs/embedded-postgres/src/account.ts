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

/** Inherited file descriptors follow the standard streams. */
const FIRST_FD = 3;

/** The account that runs the PostgreSQL processes, when it is not the user of this process. */
export interface Account {
  uid: number;
  gid: number;
}

/** Runs a PostgreSQL program. `args` receives the names by which the program reaches `paths`. Only stderr is a pipe. */
export type Run = (
  file: string,
  paths: string[],
  args: (names: string[]) => string[],
  options?: Pick<SpawnOptions, 'detached'>,
) => ChildProcess;

/** PostgreSQL refuses to run as root: root runs it as the owner of the cluster, or as an existing account. */
export function accountFor(cluster: string): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const owner = statSync(cluster, { throwIfNoEntry: false });
  if (owner && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid };
  const accounts = readFileSync('/etc/passwd', 'utf8').split('\n');
  for (const name of ['postgres', '_postgres', 'nobody']) {
    const [, , uid, gid] = accounts.find((line) => line.startsWith(`${name}:`))?.split(':') ?? [];
    // macOS gives nobody the id -2.
    if (uid && gid) return { uid: Number(uid) >>> 0, gid: Number(gid) >>> 0 };
  }
  throw new StartupError('PostgreSQL does not run as root: start as an ordinary user, or set DATABASE_URL');
}

/** Runs a program as that account, without any of root's privileges. */
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
    // Below a folder that only root may enter (such as /root), the account gets its files as open descriptors.
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

/** Whether every account may enter all folders of a path. */
export function isBelowOpenFolders(path: string): boolean {
  const parent = dirname(path);
  return parent === path || ((statSync(parent).mode & 0o001) !== 0 && isBelowOpenFolders(parent));
}

/** The server gets none of the caller's PG* variables and language settings. */
function environment(): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' };
}
