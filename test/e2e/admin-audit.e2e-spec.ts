import { AuditPage, type PostDto, type ReportDto } from '#contracts';
import { newId, PrismaService } from '#platform';
import { contractErrors, rememberPromises, TestApp, type Account, until } from '#testing';

let app: TestApp;
let admin: Account;
let user: Account;
/** The user that the routes act on. */
let target: Account;
beforeAll(async () => {
  app = await TestApp.start();
  await rememberPromises(app);
  [admin, user, target] = await app.people('Админ', 'Анна', 'Глеб');
  await app.rows(`UPDATE users SET role = 'admin' WHERE id = $1`, [admin.id]);
});
afterAll(() => app.stop());

const failedJob = async () => {
  const id = newId();
  await app.app.get(PrismaService).outboxJob.create({ data: { id, name: 'nonsense', data: {} } });
  await until('the job has failed', async () => {
    const { items } = await app.ask<{ items: { id: string }[] }>(admin, 'GET admin/queues');
    return items.some((job) => job.id === id);
  });
  return id;
};
const openReport = async () => {
  const about = { kind: 'user', target_id: target.id, reason: 'Спам' };
  return (await app.request<ReportDto>('POST', 'reports', user.token, about)).body.id;
};

/** Every admin route that writes: the id it acts on, its body, and the action it leaves in the audit. */
const WRITES: Record<string, { id?: () => Promise<string> | string; body?: object; leaves: string }> = {
  'PATCH /api/v2/admin/users/{id}': { id: () => target.id, body: { role: 'admin' }, leaves: 'role_changed' },
  'POST /api/v2/admin/users/{id}/ban': { id: () => target.id, leaves: 'user_banned' },
  'POST /api/v2/admin/users/{id}/unban': { id: () => target.id, leaves: 'user_unbanned' },
  'DELETE /api/v2/admin/users/{id}/sessions': { id: () => target.id, leaves: 'sessions_revoked' },
  'POST /api/v2/admin/reports/{id}/resolve': {
    id: openReport,
    body: { resolution: 'Да' },
    leaves: 'report_resolved',
  },
  'POST /api/v2/admin/announcements': { body: { content: 'Всем привет' }, leaves: 'announcement_made' },
  'POST /api/v2/admin/queues/failed/{id}/retry': { id: failedJob, leaves: 'job_retried' },
};
const writes = Object.keys(WRITES);

/** Without `retry`: the queue has transactions of its own. */
const inOneTransaction = writes.filter((route) => !route.endsWith('/retry'));
const CHANGED = ['users', 'sessions', 'reports', 'posts'];

/** Puts the target of a route into the state from which the route changes something. */
const prepare = async (route: string) => {
  await app.rows(`UPDATE users SET role = 'user', banned_at = $2 WHERE id = $1`, [
    target.id,
    route.endsWith('/unban') ? new Date() : null,
  ]);
  await app.rows('UPDATE sessions SET revoked_at = NULL WHERE user_id = $1', [target.id]);
  return (await WRITES[route]!.id?.()) ?? '';
};
const ask = (route: string, id: string) => {
  const [method, path] = route.split(' ') as [string, string];
  return app.request<{ id?: string }>(method, path.replace('{id}', id), admin.token, WRITES[route]!.body);
};
/** All that any of the routes writes. */
const everything = async () =>
  JSON.stringify([
    await app.rows('SELECT id, role, banned_at FROM users ORDER BY id'),
    await app.rows('SELECT id, revoked_at FROM sessions ORDER BY id'),
    await app.rows('SELECT * FROM reports ORDER BY id'),
    await app.rows('SELECT * FROM posts ORDER BY id'),
    await app.rows('SELECT * FROM audit_entries ORDER BY id'),
    // Without the jobs themselves: they come and go.
    await app.rows('SELECT id FROM promised ORDER BY id'),
  ]);
const audit = async (query = '') => {
  const { status, body } = await app.request<AuditPage>('GET', `admin/audit?${query}`, admin.token);
  expect([status, contractErrors(AuditPage, body)]).toEqual([200, []]);
  return body;
};

it('the table lists every admin route that writes', async () => {
  const { paths } = (await (await fetch(`${app.url}/docs-json`)).json()) as { paths: Record<string, object> };
  const documented = Object.entries(paths)
    .filter(([path]) => path.includes('/admin/'))
    .flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
    );
  expect([...writes].sort()).toEqual(documented.filter((route) => !route.startsWith('GET')).sort());
});

describe('the audit', () => {
  it.each(writes)('%s leaves one entry with the admin, the action and the target', async (route) => {
    const id = await prepare(route);
    const [last] = (await audit('limit=1')).items;
    const { body } = await ask(route, id);
    const [entry, before] = (await audit('limit=2')).items;
    expect(before).toEqual(last);
    expect(entry).toMatchObject({
      admin: { id: admin.id, name: 'Админ' },
      action: WRITES[route]!.leaves,
      target_id: id || body.id,
    });
  });

  it.each(inOneTransaction)('%s does nothing when its entry cannot be written', async (route) => {
    const id = await prepare(route);
    const device = await app.device(route.endsWith('/unban') ? user : target);
    const before = await everything();
    await app.rows('ALTER TABLE audit_entries ADD CONSTRAINT none CHECK (false) NOT VALID');
    try {
      expect((await ask(route, id)).status).toBe(500);
    } finally {
      await app.rows('ALTER TABLE audit_entries DROP CONSTRAINT none');
    }
    expect(await everything()).toBe(before);
    await device.settled();
    expect(device.all('error')).toEqual([]);
    device.close();
  });

  it.each(inOneTransaction)('%s leaves no entry when its transaction fails', async (route) => {
    const id = await prepare(route);
    const before = await everything();
    // The trigger fails at the end of the transaction, when all is written.
    await app.rows(`CREATE FUNCTION fails() RETURNS trigger LANGUAGE plpgsql AS
      'BEGIN RAISE EXCEPTION ''fails''; END'`);
    for (const table of CHANGED)
      await app.rows(`CREATE CONSTRAINT TRIGGER fails AFTER INSERT OR UPDATE ON ${table}
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fails()`);
    try {
      expect((await ask(route, id)).status).toBe(500);
    } finally {
      await app.rows('DROP FUNCTION fails CASCADE');
    }
    expect(await everything()).toBe(before);
  });

  it('records that an admin deleted a post of another user, but not their own', async () => {
    const post = async (who: Account) =>
      (await app.request<PostDto>('POST', 'posts', who.token, { content: 'Пост' })).body.id;
    const [own, theirs] = [await post(admin), await post(user)];
    for (const id of [own, theirs])
      expect((await app.request('DELETE', `posts/${id}`, admin.token)).status).toBe(204);
    const { items } = await audit();
    expect(items.some(({ target_id }) => target_id === own)).toBe(false);
    expect(items[0]).toMatchObject({
      action: 'post_deleted',
      target_id: theirs,
      details: { author_id: user.id },
    });
  });

  it('is paged, newest first', async () => {
    const all = await audit();
    const first = await audit('limit=3');
    const rest = await audit(`cursor=${first.next_cursor}`);
    expect([...first.items, ...rest.items]).toEqual(all.items);
    expect([...all.items].sort((a, b) => (a.id < b.id ? 1 : -1))).toEqual(all.items);
    expect((await app.request('GET', 'admin/audit?cursor=x', admin.token)).status).toBe(400);
  });
});
