import type { PostDto } from '#contracts';
import { logger } from '#platform';
import { until } from '#testing';
import { setScene } from './scene.js';

const scene = setScene();
let warn: jest.SpiedFunction<typeof logger.warn>;
beforeEach(() => void (warn = jest.spyOn(logger, 'warn')));
afterEach(() => jest.restoreAllMocks());

const count = async (sql: string, values: string[] = []) => {
  const { rows } = await scene.direct.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM ${sql}`,
    values,
  );
  return rows[0]!.count;
};
const post = async () =>
  (await scene.app.request<PostDto>('POST', 'posts', scene.anna.token, { content: 'Mine' })).body.id;
const like = (id: string) => scene.app.request('PUT', `posts/${id}/like`, scene.boris.token);
const hasWarned = (message: string) =>
  until(message, () => warn.mock.calls.some((call: unknown[]) => call.includes(message)));

async function expectNotifiedOnce(id: string): Promise<void> {
  const isNotified = () =>
    scene.firstDevice
      .all('notification:new')
      .some(({ data }) => (data as { post_id: string }).post_id === id);
  await until('the notification', isNotified);
  await until('an empty outbox', async () => (await count('outbox_jobs')) === 0);
  expect(await count("notifications WHERE data->>'post_id' = $1", [id])).toBe(1);
}

it('the queue is unavailable: a like succeeds, and is notified when the queue is back', async () => {
  const id = await post();
  await scene.direct.query('ALTER SCHEMA bullmq RENAME TO away');
  const { status, body } = await like(id);
  expect([status, body]).toEqual([200, { liked: true, likes_count: 1 }]);
  await hasWarned('outbox relay failed, retrying');
  expect([await count('notifications'), await count('outbox_jobs')]).toEqual([0, 1]);
  await scene.direct.query('ALTER SCHEMA away RENAME TO bullmq');
  await expectNotifiedOnce(id);
});

it('the database is unavailable for a while: later likes are notified, and the relay and the worker go on', async () => {
  const id = await post();
  scene.link.cut();
  expect((await like(id)).body.code).toBe('UNAVAILABLE');
  for (const message of ['outbox relay failed, retrying', 'queue unavailable']) await hasWarned(message);
  scene.link.mend();
  await until('a like', async () => (await like(id)).status === 200);
  await expectNotifiedOnce(id);
});
