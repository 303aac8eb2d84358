import { EVERYTHING, readMigrations, readSchema } from './migrations.js';
import { withSchemaEngine } from './schema-engine.js';

/**
 * The SQL from `prisma/migrations` to `prisma/schema`; empty when they agree. `serverUrl` is any PostgreSQL that allows
 * a scratch database.
 */
export async function diffSchema(serverUrl: string): Promise<string> {
  const files = await readSchema();
  const from = { tag: 'migrations' as const, ...(await readMigrations()) };
  const { stdout } = await withSchemaEngine(serverUrl, (engine) =>
    engine.diff({
      from: from.migrationDirectories.length ? from : { tag: 'empty' },
      to: { tag: 'schemaDatamodel', files },
      script: true,
      exitCode: null,
      filters: EVERYTHING,
    }),
  );
  const sql = stdout?.trim() ?? '';
  return sql === '-- This is an empty migration.' ? '' : sql;
}
