import { randomBytes } from 'node:crypto';
import { chownSync, existsSync, linkSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { StartupError } from './startup-error.js';

/** The account of the operating system that is to own a file. */
interface Owner {
  uid: number;
  gid: number;
}

/** A shorter one has been cut off, or was not made by us. */
const MIN_LENGTH = 32;

/**
 * The secret in a file, made at the first call: 43 characters, for `owner` alone. Of processes that start at once all
 * read the same, and a crash leaves a whole secret or none.
 * @throws StartError when it is too short, or others may read or change it
 */
export function secretIn(path: string, owner?: Owner): string {
  if (!existsSync(path)) make(path, owner);
  return keptSecret(path, 'delete it, and a new one is made');
}

/**
 * As `secretIn`, of a file that must be there.
 * @param advice what to do about a secret that cannot be used
 */
export function keptSecret(path: string, advice: string): string {
  try {
    const { mode } = statSync(path);
    if (process.platform !== 'win32' && (mode & 0o077) !== 0)
      throw new StartupError(
        `DATA_DIR: ${path} is open to other users (mode ${(mode & 0o777).toString(8)}): ` +
          `"chmod 600" it if none of them has read it, or else ${advice}`,
      );
    const secret = readFileSync(path, 'utf8');
    const { length } = secret.trim();
    if (length < MIN_LENGTH)
      throw new StartupError(
        `DATA_DIR: the secret in ${path} has ${length} characters and needs ${MIN_LENGTH}: ${advice}`,
      );
    return secret;
  } catch (error) {
    if (error instanceof StartupError) throw error;
    throw new StartupError(`DATA_DIR: ${path} cannot be read (${(error as Error).message}): ${advice}`);
  }
}

function make(path: string, owner?: Owner): void {
  const draft = `${path}.${process.pid}`;
  rmSync(draft, { force: true });
  try {
    writeFileSync(draft, randomBytes(32).toString('base64url'), { mode: 0o600, flag: 'wx', flush: true });
    if (owner) chownSync(draft, owner.uid, owner.gid);
    // A link never replaces what another start has put there meanwhile.
    linkSync(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}
