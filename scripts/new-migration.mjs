/** npm run db:migration <name>: writes the migration from the existing ones to prisma/schema. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { prepare, root } from './prepare.mjs';
import { withScratchPostgres } from './scratch/postgres.mjs';

const [name] = process.argv.slice(2);
if (!/^[a-z0-9_]+$/.test(name ?? '')) {
  console.error('Usage: npm run db:migration <name in lower case, digits and _>');
  process.exit(1);
}
await prepare();
const { diffSchema } = await import('../dist/libs/platform/src/database/migrations/diff-schema.js');
const sql = await withScratchPostgres(diffSchema);
if (!sql) {
  console.log('The schema has no change that is not in a migration.');
} else {
  const stamp = new Date().toISOString().replace(/\D/g, '').slice(0, 14);
  const folder = join('prisma/migrations', `${stamp}_${name}`);
  await mkdir(join(root, folder), { recursive: true });
  await writeFile(join(root, folder, 'migration.sql'), `${sql}\n`);
  console.log(`Wrote ${folder}/migration.sql: read it before you commit it.`);
}
