import { QueuesPage } from '#contracts';
import { PrismaService, Queues, StartupError, newId, type Processors, JOB_NAMES } from '#platform';
import { contractErrors, TestApp, until, type Account } from '#testing';

let app: TestApp;
let admin: Account;
let anna: Account;
beforeAll(async () => {
  app = await TestApp.start();
  [admin, anna] = await app.people('Админ', 'Анна');
  await app.rows(`UPDATE users SET role = 'admin' WHERE id = $1`, [admin.id]);
});
afterAll(() => app.stop());

const queues = async (query = '') => {
  const { status, body } = await app.request<QueuesPage>('GET', `admin/queues${query}`, admin.token);
  expect([status, contractErrors(QueuesPage, body)]).toEqual([200, []]);
  return body;
};
const failed = async (count: number) => {
  await until(`${count} failed`, async () => (await queues()).counts.failed >= count);
  return queues();
};
/** Stores a job as code that knows its name would. */
const promise = async (name: string) => {
  const id = newId();
  await app.app.get(PrismaService).outboxJob.create({ data: { id, name, data: { secret: 'of hers' } } });
  return id;
};
const retry = (id: string, account = admin) =>
  app.request('POST', `admin/queues/failed/${encodeURIComponent(id)}/retry`, account.token);

it('an unknown job fails at once, is listed for admins without its data, and can be retried', async () => {
  const id = await promise('nonsense');
  const { items, counts } = await failed(1);
  expect([counts.failed, counts.outbox]).toEqual([1, 0]);
  expect(items).toEqual([
    expect.objectContaining({ id, name: 'nonsense', reason: 'unknown job: nonsense', attempts: 1 }),
  ]);
  expect(JSON.stringify(items)).not.toContain('secret');
  expect((await retry(id)).status).toBe(204);
  await until('retried', async () => {
    const [again] = (await queues()).items;
    return again !== undefined && again.failed_at > items[0]!.failed_at;
  });
  expect((await queues()).items).toHaveLength(1);
});

it('failed jobs are paged, newest first', async () => {
  for (let i = 0; i < 4; i++) await promise('nonsense');
  const all = await failed(5);
  const first = await queues('?limit=3');
  const rest = await queues(`?limit=3&cursor=${first.next_cursor}`);
  expect([...first.items, ...rest.items]).toEqual(all.items);
  expect(rest.next_cursor).toBeNull();
  expect((await app.request('GET', 'admin/queues?cursor=x', admin.token)).status).toBe(400);
});

it('a job that did not fail cannot be retried', async () => {
  const before = (await queues()).counts.completed;
  const done = await promise('purge-sessions');
  await until('one done', async () => (await queues()).counts.completed > before);
  for (const id of [done, newId(), 'x', '\u0000', 'x'.repeat(90), "'"])
    expect([id, (await retry(id)).status]).toEqual([id, 404]);
});

it('the queue routes are for admins only', async () => {
  const id = await promise('nonsense');
  expect((await app.request('GET', 'admin/queues', anna.token)).status).toBe(403);
  expect((await retry(id, anna)).status).toBe(403);
  expect((await app.request('GET', 'admin/queues')).status).toBe(401);
});

it('runs are counted by job and outcome, unknown jobs under one name', async () => {
  const metrics = await (await fetch(`${app.url}/metrics`)).text();
  expect(metrics).toMatch(/jobs_total\{name="unknown",outcome="failed"\} [1-9]/);
  expect(metrics).toMatch(/jobs_total\{name="purge-sessions",outcome="ok"\} [1-9]/);
});

it('the worker does not start without a processor for each job, and logs the missing ones in one line', async () => {
  const processors = Object.fromEntries(JOB_NAMES.map((name) => [name, () => Promise.resolve()]));
  delete processors.notify;
  const started = app.app.get(Queues).work(processors as unknown as Processors, {});
  await expect(started).rejects.toThrow(new StartupError('jobs: no processor for notify'));
});
