import { randomBytes } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The embedded size's own JWT secret: made once, whole or not at all, readable by its owner only. */
export async function signingSecret(dataDir: string): Promise<string> {
  const path = join(dataDir, 'jwt-secret');
  const read = () =>
    readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
  const kept = await read();
  if (kept) return kept;
  await mkdir(dataDir, { recursive: true });
  const draft = `${path}.${process.pid}`;
  await writeFile(draft, randomBytes(48).toString('base64url'), { mode: 0o600 });
  // A link never replaces what another start has put there meanwhile.
  await link(draft, path).catch(() => undefined);
  await rm(draft, { force: true });
  return (await read())!;
}
