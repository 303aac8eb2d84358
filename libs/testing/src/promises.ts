import type { NotificationCause } from '#contracts';
import type { TestApp } from './app/app.js';

type Promised = NotificationCause & { to: string[] };

/** Records all jobs that are stored in the outbox from now on, also after they are deleted. */
export async function rememberPromises(app: TestApp): Promise<void> {
  await app.rows('CREATE TABLE promised (LIKE outbox_jobs)');
  await app.rows(`CREATE FUNCTION remember() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN INSERT INTO promised SELECT NEW.*; RETURN NULL; END'`);
  await app.rows(
    'CREATE TRIGGER remember AFTER INSERT ON outbox_jobs FOR EACH ROW EXECUTE FUNCTION remember()',
  );
}

/** The recorded notification jobs of one type, in order. */
export async function promised(app: TestApp, type: NotificationCause['type']): Promise<Promised[]> {
  const rows = await app.rows<{ data: { cause: NotificationCause; recipientIds: string[] } }>(
    `SELECT data FROM promised WHERE data->'cause'->>'type' = $1 ORDER BY id`,
    [type],
  );
  return rows.map(({ data }) => ({ ...data.cause, to: data.recipientIds }));
}
