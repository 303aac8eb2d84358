import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Runs `use(url)` with a PostgreSQL server for scratch databases: the one at TEST_DATABASE_URL, or a temporary one.
 * Needs a prepared checkout.
 */
export async function withScratchPostgres(use) {
  if (process.env.TEST_DATABASE_URL) return use(process.env.TEST_DATABASE_URL);
  const { startEmbeddedPostgres } = await import('../dist/libs/embedded-postgres/src/embedded.js');
  const folder = await mkdtemp(join(tmpdir(), 'service-platform-'));
  let postgres;
  try {
    postgres = await startEmbeddedPostgres(folder, { fsync: false });
    return await use(postgres.adminUrl);
  } finally {
    await postgres?.stop();
    await rm(folder, { recursive: true, force: true });
  }
}
