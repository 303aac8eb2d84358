import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { EVERYTHING, migrationNames, readMigrations } from './migrations.js';
import { withSchemaEngine } from './schema-engine.js';
import { StartupError } from '../../config/startup-error.js';

/**
 * Held while migrations are applied: of processes that start together, one applies them and the others wait. The
 * engine's own lock would make them fail after 10 s, and a migration may take longer.
 */
const MIGRATION_LOCK = 7_276_540_212;

/**
 * Migrates the database to the newest of `prisma/migrations`. Any number of processes may do this at once.
 * @throws StartupError (within 10 s when the database is not reachable, or when a migration fails)
 */
export async function migrate(databaseUrl: string): Promise<void> {
  const client = await connect(databaseUrl);
  try {
    // Loading the engine takes longer than the rest of a start.
    if (await isUpToDate(client)) return;
    await client.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
    if (await isUpToDate(client)) return;
    const migrationsList = await readMigrations();
    await withSchemaEngine(databaseUrl, (engine) =>
      engine.applyMigrations({ migrationsList, filters: EVERYTHING }),
    );
  } catch (error) {
    throw new StartupError(`The database cannot be migrated: ${reason(error as Error)}`);
  } finally {
    await client.end();
  }
}

async function isUpToDate(client: Client): Promise<boolean> {
  const names = await migrationNames();
  const { rows: tables } = await client.query(
    "SELECT to_regclass('_prisma_migrations') IS NOT NULL AS there",
  );
  if (!tables[0]?.there) return false;
  const { rows } = await client.query<{ name: string }>(
    'SELECT migration_name AS name FROM _prisma_migrations WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL',
  );
  const finished = new Set(rows.map(({ name }) => name));
  return names.every((name) => finished.has(name));
}

/** The engine's errors end with a trace of its own functions, but only the trace names the migration. */
function reason({ message }: Error): string {
  const [text = '', trace = ''] = message.split(/\n\s+0: /, 2);
  const name = /migration_name="([^"]+)"/.exec(trace)?.[1];
  return (name ? `${name}: ${text}` : text).replace(/\s+/g, ' ').trim();
}

async function connect(databaseUrl: string): Promise<Client> {
  let place: string;
  try {
    const { protocol, host, pathname } = new URL(databaseUrl);
    if (!/^postgres(ql)?:$/.test(protocol)) throw new Error('not a PostgreSQL address');
    place = host + pathname;
  } catch {
    throw new StartupError(
      'DATABASE_URL is not an address like postgresql://user:password@host:5432/database',
    );
  }
  for (const deadline = performance.now() + 8_000; ; await sleep(500)) {
    const client = new Client({ connectionString: databaseUrl, connectionTimeoutMillis: 5_000 });
    // A running query gets the error; between queries it is ignored.
    client.on('error', () => undefined);
    try {
      await client.connect();
      return client;
    } catch (error) {
      client.end().catch(() => undefined);
      const { code, message } = error as Error & { code?: string };
      const isStarting = code === '57P03';
      if (isStarting && performance.now() < deadline) continue;
      throw new StartupError(`DATABASE_URL: cannot connect to ${place}: ${message || code}`);
    }
  }
}
