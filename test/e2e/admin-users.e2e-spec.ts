import { AccountDto, AccountPage, SessionPage } from '#contracts';
import { contractErrors, Device, type Account } from '#testing';
import { useAdmins } from './admin-accounts.js';

const scene = useAdmins();
const { account, asAdmin, ban, bothWait, entries, isShutOut, login, me } = scene;

const list = async (query: string) => {
  const reply = await asAdmin<AccountPage>(`GET ?${query}`);
  expect([reply.status, contractErrors(AccountPage, reply.body)]).toEqual([200, []]);
  return reply.body;
};
describe('the list', () => {
  it('has everybody by name, banned users and oneself included, with the fields that only admins see', async () => {
    const [anna, boris] = await scene.app.people('Список Анна', 'Список Борис');
    await ban(boris);
    const device = await scene.app.device(anna);
    const { items } = await list(`query=${encodeURIComponent('список')}`);
    expect(items).toMatchObject([
      { id: anna.id, email: anna.email, role: 'user', banned_at: null, online: true },
      { id: boris.id, email: boris.email, role: 'user', banned_at: expect.any(String), online: false },
    ]);
    expect((await account(`GET /${boris.id}`)).banned_at).toBe(items[1]!.banned_at);
    expect((await list(`query=${encodeURIComponent('админ')}`)).items.map(({ id }) => id).sort()).toEqual(
      [scene.admin.id, scene.otherAdmin.id].sort(),
    );
    device.close();
  });

  it('finds by a part of the e-mail in any case, or by all of it', async () => {
    const vera = await scene.app.register('Вера');
    await scene.app.rows(`UPDATE users SET email = 'v_1@a.io' WHERE id = $1`, [vera.id]);
    const gleb = await scene.app.register('Глеб');
    const found = async (query: string) =>
      (await list(`query=${encodeURIComponent(query)}`)).items.map(({ id }) => id);
    expect(await found(gleb.email.slice(3, 30).toUpperCase())).toEqual([gleb.id]);
    for (const query of [' V_1@a.io ', '_1@']) expect(await found(query)).toEqual([vera.id]);
    const zoe = await scene.app.register('Зоя');
    await scene.app.rows(`UPDATE users SET email = 'zoë.dupont@пример.рф', handle = 'zoe_d' WHERE id = $1`, [
      zoe.id,
    ]);
    for (const query of [
      ...['zoë.dupont', 'zoe\u0308.DUPONT', 'zoe.dupont@', '@пример.рф', '＠ПРИМЕР.рф'],
      ...['@xn--e1afmkfd.xn--p1ai', 'zoë.DUPONT@XN--e1afmkfd.рф', '＠пример.xn--p1ai зоя'],
      ...['xn--e1afmkfd.xn--p1ai', 'XN--e1afmkfd.рф', 'пример.xn--p1ai'],
      ...['@zoe_d', 'зоя @zoe_d', 'dupont зоя', 'зоя\u00A0zoë'],
    ])
      expect([query, await found(query)]).toEqual([query, [zoe.id]]);
    expect(await found('@a.io')).toEqual([vera.id]);
    expect(await found('@example.com')).toContain(gleb.id);
    expect(await found('@example.com')).not.toContain(zoe.id);
    for (const nobody of ['v%1@a.io', 'vx1@a.io', '%%%', '_2@'])
      expect([nobody, await found(nobody)]).toEqual([nobody, []]);
  });

  it('is paged without a gap or a duplicate', async () => {
    const same = await scene.app.people('Страница', 'Страница', 'Страница', 'Страница', 'Страница');
    const seen: string[] = [];
    for (let cursor = ''; ;) {
      const page = await list(`query=${encodeURIComponent('страница')}&limit=2${cursor}`);
      seen.push(...page.items.map(({ id }) => id));
      if (!page.next_cursor) break;
      cursor = `&cursor=${page.next_cursor}`;
    }
    expect(seen).toEqual(same.map(({ id }) => id).sort());
    expect((await asAdmin('GET ?cursor=x')).status).toBe(400);
  });
});

describe('a role', () => {
  const setRole = (who: Account, role: string, by = scene.admin) =>
    asAdmin<AccountDto>(`PATCH /${who.id}`, { role }, by);

  it('takes effect at the next request, for a promotion and a demotion', async () => {
    const anna = await scene.app.register('Анна');
    expect((await asAdmin('GET ', undefined, anna)).status).toBe(403);
    expect(await account(`PATCH /${anna.id}`, { role: 'admin' })).toMatchObject({ role: 'admin' });
    expect((await asAdmin('GET ', undefined, anna)).status).toBe(200);
    expect((await setRole(anna, 'admin')).status).toBe(200);
    expect((await setRole(anna, 'user')).body.role).toBe('user');
    expect((await asAdmin('GET ', undefined, anna)).status).toBe(403);
    expect(await entries(anna)).toMatchObject([
      { action: 'role_changed', details: { from: 'user', to: 'admin' } },
      { action: 'role_changed', details: { from: 'admin', to: 'user' } },
    ]);
  });

  it('cannot be changed for oneself, to an unknown role, or to admin for a banned user', async () => {
    const own = await setRole(scene.admin, 'user');
    expect([own.status, own.body.code]).toEqual([403, 'FORBIDDEN']);
    const boris = await scene.app.register('Борис');
    for (const body of [{ role: 'owner' }, {}, { role: null }])
      expect((await asAdmin(`PATCH /${boris.id}`, body)).status).toBe(400);
    await ban(boris);
    const promoted = await setRole(boris, 'admin');
    expect([promoted.status, promoted.body.code]).toEqual([409, 'CONFLICT']);
    expect(
      await scene.app.rows('SELECT role::text FROM users WHERE id = ANY($1)', [[scene.admin.id, boris.id]]),
    ).toEqual(expect.arrayContaining([{ role: 'admin' }, { role: 'user' }]));
  });

  it('leaves one admin when two admins demote each other at once', async () => {
    const [one, two] = await scene.app.people('Один', 'Два');
    for (const who of [one, two]) await setRole(who, 'admin');
    await scene.databaseSession.query('BEGIN');
    await scene.databaseSession.query('SELECT FROM users WHERE id = ANY($1) FOR UPDATE', [[one.id, two.id]]);
    const both = Promise.all([setRole(one, 'user', two), setRole(two, 'user', one)]);
    await bothWait();
    await scene.databaseSession.query('COMMIT');
    expect((await both).map(({ status }) => status).sort((a, b) => a - b)).toEqual([200, 403]);
    expect(
      await scene.app.rows(`SELECT FROM users WHERE id = ANY($1) AND role = 'admin'`, [[one.id, two.id]]),
    ).toHaveLength(1);
  });
});

describe('sessions', () => {
  it('of a user are listed for an admin as for the user', async () => {
    const anna = await scene.app.register('Анна');
    await login(anna);
    const mine = await scene.app.request<SessionPage>('GET', 'auth/sessions', anna.token);
    const { status, body } = await asAdmin<SessionPage>(`GET /${anna.id}/sessions`);
    expect([status, contractErrors(SessionPage, body)]).toEqual([200, []]);
    expect(body.items).toEqual(mine.body.items.map((session) => ({ ...session, current: false })));
    const page = await asAdmin<SessionPage>(`GET /${anna.id}/sessions?limit=1`);
    expect(page.body.items).toEqual(body.items.slice(0, 1));
    expect(page.body.next_cursor).toEqual(expect.any(String));
  });

  it('end together with their sockets, and the user can sign in again', async () => {
    const boris = await scene.app.register('Борис');
    const tablet = (await login(boris)).body.access_token;
    const devices = [
      await scene.app.device(boris),
      scene.app.keep(await Device.connect(scene.app.url, tablet)),
    ];
    const [otherDevice] = await scene.app.devices(scene.otherAdmin);
    const out = Promise.all(devices.map(isShutOut));
    expect((await asAdmin(`DELETE /${boris.id}/sessions`)).status).toBe(204);
    await out;
    expect([await me(boris.token), await me(tablet)]).toEqual([401, 401]);
    expect((await asAdmin<SessionPage>(`GET /${boris.id}/sessions`)).body.items).toEqual([]);
    expect((await asAdmin(`DELETE /${boris.id}/sessions`)).status).toBe(204);
    expect(await entries(boris)).toEqual([
      { admin_id: scene.admin.id, action: 'sessions_revoked', details: { count: 2 } },
    ]);
    const again = await login(boris);
    scene.app.keep(await Device.connect(scene.app.url, again.body.access_token));
    await otherDevice.settled();
    expect(otherDevice.all('error')).toEqual([]);
  });
});
