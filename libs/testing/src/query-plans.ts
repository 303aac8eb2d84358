import { PgPool, SearchPool, SendPool, ViewPool } from '#platform';
import { Client, type Pool, type PoolClient } from 'pg';
import { TestApp } from './app/app.js';
import { createTestDatabase } from './app/database.js';

export const FILLED_USERS = 20_000;

/** SQL of an id. The letter names the kind of row, and the number is SQL too. */
export const numbered = (letter: string, number: string): string =>
  `('${letter.repeat(8)}-0000-4000-8000-' || lpad(to_hex(${number}), 12, '0'))::uuid`;

/** SQL of the id of a filled user. Counts on from the first after the last. */
export const filledUser = (number: string): string => numbered('a', `1 + (${number}) % ${FILLED_USERS}`);

export const FILL_USERS = `INSERT INTO users (id, email, password_hash, name, handle)
  SELECT ${numbered('a', 'i')}, md5(i::text) || '@example.com', '', 'Somebody ' || i, 'somebody_' || i
  FROM generate_series(1, ${FILLED_USERS}) AS i`;

export interface PlannedApp {
  app: TestApp;
  /** The query plans of all statements of the app, one line each, in order. */
  plans: string[];
  /** Its statements have no plans here. */
  admin: Client;
}

interface PlanCase {
  title: string;
  /** Some plan contains each of these. */
  uses?: string[];
  /** No plan contains these. */
  avoids?: string[];
  run(planned: PlannedApp): Promise<void>;
}

/**
 * Runs the cases on one app, whose database these statements fill with so many rows that a full scan of a filled table
 * is a mistake.
 */
export function describePlans(name: string, fill: string[], cases: PlanCase[]): void {
  describe(name, () => {
    let planned: PlannedApp & { stop(): Promise<void> };
    beforeAll(async () => {
      planned = await startPlanned(fill);
    });
    afterAll(() => planned.stop());

    for (const { title, uses = [], avoids = [], run } of cases)
      it(title, async () => {
        const { plans } = planned;
        plans.length = 0;
        await run(planned);
        const isUsed = (part: string) => plans.some((plan) => plan.includes(part));
        expect(uses.filter((part) => !isUsed(part))).toEqual([]);
        expect(avoids.filter(isUsed)).toEqual([]);
        expect(fullScans(plans, fill)).toEqual([]);
      });
  });
}

/** The plans that scan a table fully which these statements fill. */
export function fullScans(plans: string[], fill: string[]): string[] {
  const tables = fill.map((sql) => /INSERT INTO (\w+)/.exec(sql)![1]);
  if (tables.length === 0) return [];
  const scan = new RegExp(`Seq Scan on (?:public\\.)?(${tables.join('|')})\\b`);
  return plans.filter((plan) => scan.test(plan));
}

async function startPlanned(fill: string[]): Promise<PlannedApp & { stop(): Promise<void> }> {
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
  for (const pool of [PgPool, SearchPool, SendPool, ViewPool])
    app.app.get<Pool>(pool).on('acquire', (client) => {
      if (listened.has(client)) return;
      listened.add(client);
      client.on('notice', ({ message }) => {
        if (message?.includes('plan:')) plans.push(message.replace(/\s+/g, ' '));
      });
    });
  const stop = async () => {
    await app.stop();
    await admin.end();
    await database.drop();
  };
  return { app, plans, admin, stop };
}
