import { Client } from 'pg';

/** The name of the app's database, and of the role that owns it. */
export const APP = 'service_platform';

/**
 * Changes the owner of all objects in the database that the app does not own. Earlier versions created them as the
 * superuser. Objects of an extension or a table's column follow their parent.
 */
const ADOPT = `
  DO $adopt$
  DECLARE
    command text;
  BEGIN
    FOR command IN
      WITH schemas AS (
          SELECT oid AS schema, nspname, nspowner FROM pg_namespace
          WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
        ),
        mine AS (SELECT '${APP}'::regrole AS role),
        follows AS (SELECT classid, objid FROM pg_depend WHERE deptype IN ('a', 'e', 'i'))
      SELECT format('ALTER %s %s OWNER TO ${APP}', kind, name) FROM (
        SELECT 'SCHEMA', quote_ident(nspname), 'pg_namespace'::regclass, schema
        FROM schemas, mine WHERE nspowner <> role AND nspname <> 'public'
        UNION ALL
        SELECT CASE relkind WHEN 'S' THEN 'SEQUENCE' WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW'
          ELSE 'TABLE' END, oid::regclass::text, 'pg_class'::regclass, oid
        FROM pg_class JOIN schemas ON schema = relnamespace, mine
        WHERE relowner <> role AND relkind IN ('r', 'p', 'v', 'm', 'S')
        UNION ALL
        SELECT 'ROUTINE', oid::regprocedure::text, 'pg_proc'::regclass, oid
        FROM pg_proc JOIN schemas ON schema = pronamespace, mine WHERE proowner <> role
        UNION ALL
        SELECT 'TYPE', oid::regtype::text, 'pg_type'::regclass, oid
        FROM pg_type JOIN schemas ON schema = typnamespace, mine WHERE typowner <> role
          AND (typtype IN ('d', 'e') OR (SELECT relkind FROM pg_class WHERE oid = typrelid) = 'c')
      ) AS things (kind, name, classid, objid)
      WHERE (classid, objid) NOT IN (SELECT classid, objid FROM follows)
    LOOP
      EXECUTE command;
    END LOOP;
  END
  $adopt$`;

/**
 * Creates the app's role and database, or updates older ones. The role may only use its own database.
 * @param superuser a connection of the server's superuser
 */
export async function ensureAppDatabase(superuser: Client, password: string): Promise<void> {
  const { rowCount: hasRole } = await superuser.query('SELECT FROM pg_roles WHERE rolname = $1', [APP]);
  if (!hasRole) await superuser.query(`CREATE ROLE ${APP}`);
  await superuser.query(
    `ALTER ROLE ${APP} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD '${password}'`,
  );
  const { rowCount: hasDatabase } = await superuser.query('SELECT FROM pg_database WHERE datname = $1', [
    APP,
  ]);
  await superuser.query(
    `${hasDatabase ? 'ALTER' : 'CREATE'} DATABASE ${APP} ${hasDatabase ? 'OWNER TO' : 'OWNER'} ${APP}`,
  );
  if (!hasDatabase) return;
  const { host, port, user, password: own } = superuser as Client & { password: string };
  const inside = new Client({ host, port, user, password: own, database: APP, ssl: false });
  await inside.connect();
  try {
    await inside.query(ADOPT);
  } finally {
    await inside.end();
  }
}
