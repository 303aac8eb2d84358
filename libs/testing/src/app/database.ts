import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { migrate } from '#platform';

export interface TestDatabase {
  name: string;
  url: string;
  drop(): Promise<void>;
}

/** Creates a migrated database for one suite, copied from the template that `npm test` created. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const { TEST_DATABASE_URL: url, TEST_TEMPLATE_DATABASE: template } = process.env;
  if (!url || !template) throw new Error('These tests need a database: run them with "npm test"');
  // FILE_COPY takes a third of the time of WAL_LOG, the default for small databases.
  return createDatabase(url, `TEMPLATE "${template}" STRATEGY FILE_COPY`);
}

/** Creates the migrated template database. Copying it takes a fraction of migrating each database. */
export async function createTemplateDatabase(serverUrl: string, name?: string): Promise<TestDatabase> {
  const template = await createDatabase(serverUrl, '', name);
  await migrate(template.url);
  return template;
}

async function createDatabase(
  serverUrl: string,
  options = '',
  name = `test_${randomUUID().replaceAll('-', '')}`,
): Promise<TestDatabase> {
  const url = new URL(serverUrl);
  url.pathname = name;
  await execute(serverUrl, `CREATE DATABASE "${name}" ${options}`);
  return { name, url: url.href, drop: () => execute(serverUrl, `DROP DATABASE "${name}" WITH (FORCE)`) };
}

async function execute(serverUrl: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: serverUrl });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
