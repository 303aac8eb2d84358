import type { TestApp } from '#testing';
import { setTimeout as sleep } from 'node:timers/promises';

/** Columns that change by connecting alone. */
const OF_CONNECTIONS = `'{last_seen_at,connected_token_id}'`;

/** A digest of all stored rows by table. Two equal digests mean that nothing was written in between. */
export async function databaseDigest(app: TestApp): Promise<Record<string, string | null>> {
  const digests = (await tablesOf(app)).map(
    (name) => `SELECT '${name}' AS name, md5(string_agg(row::text, ',' ORDER BY row::text))
                   FROM (SELECT to_jsonb(t) - ${OF_CONNECTIONS}::text[] AS row FROM ${name} t) AS rows`,
  );
  const rows = await app.rows<{ name: string; md5: string | null }>(digests.join(' UNION ALL '));
  return Object.fromEntries(rows.map(({ name, md5 }) => [name, md5]));
}

const known = new WeakMap<TestApp, string[]>();

async function tablesOf(app: TestApp): Promise<string[]> {
  const found = known.get(app);
  if (found) return found;
  const tables = await app.rows<{ name: string }>(
    `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' AND tablename <> '_prisma_migrations'`,
  );
  const names = tables.map(({ name }) => name).sort();
  known.set(app, names);
  return names;
}

/**
 * The same, after all consequences of earlier requests: notifications, receipts, presence.
 * @param quietMs how long nothing must have changed; longer than a round of receipts, where there may be some
 */
export async function databaseDigestAtRest(
  app: TestApp,
  quietMs = 500,
): Promise<Record<string, string | null>> {
  const busy = async () => {
    const [{ count }] = (await app.rows(
      `SELECT (SELECT count(*) FROM outbox_jobs) + (SELECT count(*) FROM bullmq.job WHERE state IN ('waiting', 'active')) AS count`,
    )) as [{ count: string }];
    return Number(count) > 0;
  };
  for (let before = ''; ; await sleep(quietMs)) {
    // Asked first, so that a change in between shows in the rows.
    if (await busy()) continue;
    const now = await databaseDigest(app);
    if (JSON.stringify(now) === before) return now;
    before = JSON.stringify(now);
  }
}
