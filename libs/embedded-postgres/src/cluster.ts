import { StartupError, keptSecret, secretIn } from '#platform';
import type { ChildProcess } from 'node:child_process';
import {
  chownSync,
  existsSync,
  lchownSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Account, Run } from './account.js';

/** The superuser of the embedded server. */
export const SUPERUSER = 'postgres';
/** The file of the superuser's password, in the folder of the data. */
const PASSWORD_FILE = 'postgres-password';
const UNFINISHED = 'postgres-new-';

/** Creates `<dataDir>/postgres` if it does not exist, and returns the superuser's password. */
export async function ensureCluster(
  dataDir: string,
  initdb: string,
  run: Run,
  account?: Account,
  fsync = true,
) {
  const cluster = join(dataDir, 'postgres');
  const passwordFile = join(dataDir, PASSWORD_FILE);
  if (!existsSync(cluster)) {
    secretIn(passwordFile, account);
    await initialise(dataDir, cluster, passwordFile, initdb, run, account, fsync);
  }
  adopt(cluster, account);
  return passwordIn(dataDir, account);
}

/** The superuser's password. @throws StartupError */
export const passwordIn = (dataDir: string, account?: Account): string =>
  keptSecret(join(dataDir, PASSWORD_FILE), 'put it back from a backup', account).trim();

/** Deletes the remains of an interrupted initialisation. Only the owner of the running server may call it. */
export function removeUnfinished(dataDir: string): void {
  for (const name of readdirSync(dataDir)) {
    if (name.startsWith(UNFINISHED)) rmSync(join(dataDir, name), { recursive: true, force: true });
  }
}

/**
 * Character classes of the operating system; the first available one is used. Trigrams of Cyrillic names need one with
 * Unicode. Order and case always follow PostgreSQL's own rules.
 */
const CTYPES = ['C.UTF-8', 'en_US.UTF-8', 'C'];

/** Initialises in a temporary folder that is renamed when complete: an interruption leaves no partial cluster. */
async function initialise(
  dataDir: string,
  cluster: string,
  passwordFile: string,
  initdb: string,
  run: Run,
  account?: Account,
  fsync = true,
): Promise<void> {
  const draft = mkdtempSync(join(dataDir, UNFINISHED));
  if (account) chownSync(draft, account.uid, account.gid);
  const args =
    (ctype: string) =>
    ([folder, password]: string[]) => [
      `--pgdata=${folder}`,
      `--username=${SUPERUSER}`,
      `--pwfile=${password}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale=C',
      `--lc-ctype=${ctype}`,
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
      '--no-instructions',
      ...(fsync ? [] : ['--no-sync']),
    ];
  const paths = [draft, passwordFile];
  try {
    let { code, output } = await finished(run(initdb, paths, args(CTYPES[0]!)));
    for (const ctype of CTYPES.slice(1)) {
      if (code === 0 || !output.includes('locale')) break;
      ({ code, output } = await finished(run(initdb, paths, args(ctype))));
    }
    if (code === 0) renameSync(draft, cluster);
    // Another process may have been faster.
    else if (!existsSync(cluster))
      throw new StartupError(
        `DATA_DIR (${dataDir}): the database could not be created: ${failureIn(output)}`,
      );
  } catch (error) {
    if (!existsSync(cluster)) throw error;
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

async function finished(child: ChildProcess): Promise<{ code: number | null; output: string }> {
  let output = '';
  child.stderr?.on('data', (chunk) => (output += String(chunk)));
  const code = await new Promise<number | null>((resolve, reject) =>
    child.once('error', reject).once('close', resolve),
  );
  return { code, output };
}

/** A cluster that root copied belongs to root, and is taken over; one of another user is refused. */
function adopt(cluster: string, account?: Account): void {
  const { uid } = statSync(cluster);
  if (account) {
    if (uid !== account.uid) chownAll(cluster, account);
  } else if (process.getuid && uid !== process.getuid()) {
    throw new StartupError(
      `DATA_DIR: the database in ${cluster} belongs to user ${uid}: start as that user or as root`,
    );
  }
}

function chownAll(folder: string, { uid, gid }: Account): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) chownAll(path, { uid, gid });
    else lchownSync(path, uid, gid);
  }
  // The folder comes last: an interrupted change starts again at the next start.
  chownSync(folder, uid, gid);
}

/** The line of a program's output that has the reason of a failure: later lines are consequences. */
export function failureIn(output: string): string {
  const lines = output.split('\n').filter((line) => !line.includes('database system is'));
  const reason =
    lines.find((line) => /(FATAL|PANIC|error): /i.test(line)) ?? lines.findLast((line) => line.trim());
  return reason?.replace(/^.*?(?=(FATAL|PANIC|error): )/i, '').trim() ?? 'no reason given';
}
