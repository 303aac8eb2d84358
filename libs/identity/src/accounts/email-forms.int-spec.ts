import { canonicalEmail } from '#contracts';
import { createTestDatabase, type TestDatabase } from '#testing';
import { readFile } from 'node:fs/promises';
import { Client } from 'pg';

let database: TestDatabase;
let client: Client;
beforeAll(async () => {
  database = await createTestDatabase();
  client = new Client({ connectionString: database.url });
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await database.drop();
});

const migration = () => readFile('prisma/migrations/20261128221600_one_form_of_emails/migration.sql', 'utf8');

/** The migrated addresses of accounts with these, the oldest first. */
async function migrated(...emails: string[]): Promise<string[]> {
  await client.query('DELETE FROM users');
  await client.query(
    `INSERT INTO users (id, email, password_hash, name, handle, created_at)
     SELECT gen_random_uuid(), email, '', 'x', 'user_' || i, now() + i * interval '1 second'
     FROM unnest($1::text[]) WITH ORDINALITY AS emails (email, i)`,
    [emails],
  );
  await client.query('BEGIN');
  await client.query(await migration());
  await client.query('DROP FUNCTION pg_temp.readable; DROP FUNCTION pg_temp.canonical; COMMIT');
  const { rows } = await client.query<{ email: string }>('SELECT email FROM users ORDER BY created_at');
  return rows.map(({ email }) => email);
}

it('brings the addresses of existing accounts into the form used for lookups', async () => {
  const domains = [
    'example.com',
    'пример.рф',
    'xn--bcher-kva.example',
    'xn--wgv71a119e.jp',
    'faß.de',
    'xn--ls8h.la',
    'نامه\u200Cای.com',
    'xn--10cl1a0b660p.com',
    'exam\u200Dple\u200B.net',
  ];
  const names = [
    'anna',
    'zoë',
    'zoe\u0308\u0323',
    'й',
    'ｆｕｌｌ',
    'ςas',
    'ас\u200Bя',
    'а\u200Cс\u200Dя',
    '"a@b"',
    '한\u1161',
  ];
  const emails = names.flatMap((name, i) => domains.map((domain) => `${name}${i}@${domain}`));
  expect(await migrated(...emails)).toEqual(emails.map(canonicalEmail));
});

it('leaves an address to the account that already has the form, or else to the oldest', async () => {
  expect(await migrated('zoe\u0308@x.com', 'zoë@x.com', 'plain@x.com')).toEqual([
    'zoe\u0308@x.com',
    'zoë@x.com',
    'plain@x.com',
  ]);
  expect(await migrated('ｚ@x.com', 'z\u200B@x.com', 'a@xn--p1ai.xn--p1ai', 'a@рф.xn--p1ai')).toEqual([
    'z@x.com',
    'z\u200B@x.com',
    'a@рф.рф',
    'a@рф.xn--p1ai',
  ]);
});

it('the runbook’s query names exactly the accounts that lost their address to another', async () => {
  const lost = [
    'zoe\u0308@x.com',
    'a\u200Dnna@x.com',
    'an\u00ADna@x.com',
    'anna@xn--p1ai',
    'anna\uFE0F@x.com',
  ];
  const kept = ['zoë@x.com', 'anna@x.com', 'anna@рф', 'anna@نامه\u200Cای.com'];
  expect(await migrated(...kept, ...lost)).toEqual([...kept, ...lost]);
  const [, query] = /Two accounts have one e-mail address[^]*?```sql\n([^]*?)```/.exec(
    await readFile('docs/runbook.md', 'utf8'),
  )!;
  const { rows } = await client.query<{ email: string }>(query!);
  expect(rows.map(({ email }) => email).sort()).toEqual(lost.sort());
});
