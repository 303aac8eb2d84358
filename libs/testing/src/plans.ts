import { PgPool, SearchPool, SendPool } from '#platform';
import { Client, type Pool, type PoolClient } from 'pg';
import { TestApp } from './app/app.js';
import { createTestDatabase } from './app/database.js';

/**
 * Starts an app on a database that these statements fill with so many rows that a full table scan is a mistake. `plans`
 * has the query plans of all statements of the app, one line each, in order. Statements of `admin` have none.
 */
export async function withPlans(
  fill: string[],
  use: (app: TestApp, plans: string[], admin: Client) => Promise<void>,
): Promise<void> {
  const database = await createTestDatabase();
  const admin = new Client({ connectionString: database.url });
  await admin.connect();
  // The planner's statistics describe the fill: for a few rows added later, a full scan may be right.
  await admin.query(`DO $$ DECLARE name regclass; BEGIN
    FOR name IN SELECT oid FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace LOOP
      EXECUTE format('ALTER TABLE %s SET (autovacuum_enabled = false)', name);
    END LOOP; END $$`);
  // The fill only inserts existing keys; checking each foreign key would take as long as inserting the rows.
  await admin.query('SET session_replication_role = replica');
  for (const sql of fill) await admin.query(sql);
  await admin.query('VACUUM ANALYZE');
  for (const setting of [
    `session_preload_libraries = 'auto_explain'`,
    'auto_explain.log_min_duration = 0',
    'auto_explain.log_nested_statements = on',
    'auto_explain.log_verbose = off',
    'client_min_messages = log',
  ])
    await admin.query(`ALTER DATABASE "${database.name}" SET ${setting}`);
  const app = await TestApp.start({ DATABASE_URL: database.url });
  const plans: string[] = [];
  const listened = new WeakSet<PoolClient>();
  for (const pool of [PgPool, SearchPool, SendPool])
    app.app.get<Pool>(pool).on('acquire', (client) => {
      if (listened.has(client)) return;
      listened.add(client);
      client.on('notice', ({ message }) => {
        if (message?.includes('plan:')) plans.push(message.replace(/\s+/g, ' '));
      });
    });
  try {
    await use(app, plans, admin);
  } finally {
    await app.stop();
    await admin.end();
    await database.drop();
  }
}

/** The plans that scan one of these tables fully. */
export const wholeReads = (plans: string[], tables: string[]): string[] =>
  plans.filter((plan) => new RegExp(`Seq Scan on (?:public\\.)?(${tables.join('|')})\\b`).test(plan));
