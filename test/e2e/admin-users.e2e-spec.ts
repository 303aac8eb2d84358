import { AccountDto, AccountPage, SessionPage, type AuthAnswer } from '#contracts';
import { Bystander, contractErrors, Device, PlainClient, TestApp, type Account } from '#testing';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connections } from '../../apps/realtime/src/connections.js';

let app: TestApp;
let admin: Account;
let other: Account;
let bystander: Bystander;
beforeAll(async () => {
  app = await TestApp.start();
  [admin, other] = await app.people('Админ', 'Другой Админ');
  await app.rows(`UPDATE users SET role = 'admin' WHERE id = ANY($1)`, [[admin.id, other.id]]);
  bystander = await Bystander.at(app.databaseUrl);
});
afterAll(async () => {
  await bystander.end();
  await app.stop();
});

const asAdmin = <T = object>(route: string, body?: object, who = admin) => {
  const [method, path] = route.split(' ') as [string, string];
  return app.request<T>(method, `admin/users${path}`, who.token, body);
};
const account = async (route: string, body?: object) => {
  const reply = await asAdmin<AccountDto>(route, body);
  expect([route, reply.status, contractErrors(AccountDto, reply.body)]).toEqual([route, 200, []]);
  return reply.body;
};
const list = async (query: string) => {
  const reply = await asAdmin<AccountPage>(`GET ?${query}`);
  expect([reply.status, contractErrors(AccountPage, reply.body)]).toEqual([200, []]);
  return reply.body;
};
const ban = (who: Account, reason?: string) =>
  account(`POST /${who.id}/ban`, reason ? { reason } : undefined);
const login = ({ email }: Account) =>
  app.request<AuthAnswer>('POST', 'auth/login', undefined, { email, password: 'correct horse battery' });
const me = async (token: string) => (await app.request('GET', 'users/me', token)).status;
const entries = (about: Account) =>
  app.rows('SELECT admin_id, action, details FROM audit_entries WHERE target_id = $1 ORDER BY id', [
    about.id,
  ]);
const isShutOut = async (device: Device) => {
  const since = Date.now();
  expect(await device.next('error')).toMatchObject({ code: 'UNAUTHORIZED' });
  await device.disconnected();
  expect(Date.now() - since).toBeLessThan(1000);
};
const bothWait = async () => {
  while ((await bystander.waiters()) < 2) await sleep(10);
};

describe('the list', () => {
  it('has everybody, also the banned and oneself, by name, with what only admins see', async () => {
    const [anna, boris] = await app.people('Список Анна', 'Список Борис');
    await ban(boris);
    const device = await app.device(anna);
    const { items } = await list(`query=${encodeURIComponent('список')}`);
    expect(items).toMatchObject([
      { id: anna.id, email: anna.email, role: 'user', banned_at: null, online: true },
      { id: boris.id, email: boris.email, role: 'user', banned_at: expect.any(String), online: false },
    ]);
    expect((await account(`GET /${boris.id}`)).banned_at).toBe(items[1]!.banned_at);
    expect((await list(`query=${encodeURIComponent('админ')}`)).items.map(({ id }) => id).sort()).toEqual(
      [admin.id, other.id].sort(),
    );
    device.close();
  });

  it('finds by e-mail: a part of it in any case, or all of it', async () => {
    const vera = await app.register('Вера');
    await app.rows(`UPDATE users SET email = 'v_1@a.io' WHERE id = $1`, [vera.id]);
    const gleb = await app.register('Глеб');
    const found = async (query: string) =>
      (await list(`query=${encodeURIComponent(query)}`)).items.map(({ id }) => id);
    expect(await found(gleb.email.slice(3, 30).toUpperCase())).toEqual([gleb.id]);
    for (const query of [' V_1@a.io ', '_1@']) expect(await found(query)).toEqual([vera.id]);
    const zoe = await app.register('Зоя');
    await app.rows(`UPDATE users SET email = 'zoë.dupont@пример.рф', handle = 'zoe_d' WHERE id = $1`, [
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

  it('goes by pages without a gap or a double', async () => {
    const same = await app.people('Страница', 'Страница', 'Страница', 'Страница', 'Страница');
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

describe('a ban', () => {
  it('takes effect at once: devices are told and closed, tokens are worth nothing, nobody signs in', async () => {
    const anna = await app.register('Анна');
    const tablet = (await login(anna)).body.access_token;
    const [phone, second] = [await app.device(anna), app.keep(await Device.connect(app.url, tablet))];
    const older = PlainClient.open(`${app.url}/chat-basic`, {
      auth: { token: anna.token },
      reconnection: false,
    });
    await new Promise<void>((resolve) => older.socket.once('connect', () => resolve()));
    const gone = new Promise((resolve) => older.socket.once('disconnect', resolve));
    const out = Promise.all([isShutOut(phone), isShutOut(second), gone]);
    const banned = await ban(anna, 'spam');
    expect(banned).toMatchObject({ id: anna.id, banned_at: expect.any(String) });
    await out;
    expect([await me(anna.token), await me(tablet), (await login(anna)).status]).toEqual([401, 401, 401]);
    const refreshed = await app.request('POST', 'auth/refresh', undefined, {
      refresh_token: anna.refreshToken,
    });
    expect(refreshed.status).toBe(401);
    expect(
      await app.rows('SELECT FROM sessions WHERE user_id = $1 AND revoked_at IS NULL', [anna.id]),
    ).toEqual([]);
    const hidden = await app.request('GET', `users/${anna.id}`, other.token);
    expect(hidden.status).toBe(404);
    expect(await entries(anna)).toEqual([
      { admin_id: admin.id, action: 'user_banned', details: { reason: 'spam' } },
    ]);
  });

  it('is repeated without a change, and taken back once; who is let in again signs in anew', async () => {
    const boris = await app.register('Борис');
    const first = await ban(boris);
    expect(await ban(boris, 'again')).toEqual(first);
    expect((await account(`POST /${boris.id}/unban`)).banned_at).toBeNull();
    expect((await account(`POST /${boris.id}/unban`)).banned_at).toBeNull();
    expect((await entries(boris)).map((entry) => (entry as { action: string }).action)).toEqual([
      'user_banned',
      'user_unbanned',
    ]);
    expect(await me(boris.token)).toBe(401);
    const again = await login(boris);
    expect([again.status, await me(again.body.access_token)]).toEqual([200, 200]);
    expect((await app.request('GET', `users/${boris.id}`, other.token)).status).toBe(200);
  });

  it('is told again when it is repeated, in case the first was cut off before that', async () => {
    const vera = await app.register('Вера');
    const device = await app.device(vera);
    await app.rows('UPDATE users SET banned_at = now() WHERE id = $1', [vera.id]);
    const out = isShutOut(device);
    await ban(vera);
    await out;
  });

  it('is of no admin, nor of oneself, nor of nobody', async () => {
    for (const target of [admin, other]) {
      const refused = await asAdmin(`POST /${target.id}/ban`);
      expect([refused.status, refused.body.code]).toEqual([409, 'CONFLICT']);
      expect([await me(target.token), await entries(target)]).toEqual([200, []]);
    }
    for (const route of [
      'POST /$/ban',
      'POST /$/unban',
      'PATCH /$',
      'GET /$',
      'GET /$/sessions',
      'DELETE /$/sessions',
    ]) {
      const unknown = await asAdmin(
        route.replace('$', crypto.randomUUID()),
        route.startsWith('PATCH') ? { role: 'user' } : undefined,
      );
      expect([route, unknown.status, unknown.body.code]).toEqual([route, 404, 'NOT_FOUND']);
      const noId = await asAdmin(
        route.replace('$', 'x'),
        route.startsWith('PATCH') ? { role: 'user' } : undefined,
      );
      expect([route, noId.status]).toEqual([route, 400]);
    }
  });
});

describe('a ban at the moment in which somebody comes', () => {
  /** The ban has ended the sessions, but is not committed before `meanwhile` is under way. */
  const banning = async (who: Account, meanwhile: () => Promise<void>) => {
    await bystander.query('BEGIN');
    await bystander.query('LOCK TABLE audit_entries IN EXCLUSIVE MODE');
    const banned = ban(who);
    await bystander.somebodyWaits();
    await meanwhile();
    await bystander.query('COMMIT');
    await banned;
  };

  it('a device that opens meanwhile is turned away', async () => {
    const dora = await app.register('Дора');
    let device!: Device;
    await banning(dora, async () => {
      device = app.keep(Device.open(app.url, dora.token));
      await bothWait();
    });
    await isShutOut(device);
    expect(device.all('connected')).toEqual([]);
  });

  it('a device that has shown its token before, and comes to its rooms after, is turned away', async () => {
    const egor = await app.register('Егор');
    const connections = app.app.get(Connections);
    const { signIn } = Connections.prototype;
    connections.signIn = async (socket) => {
      await signIn.call(connections, socket);
      await ban(egor);
    };
    const device = app.keep(Device.open(app.url, egor.token));
    await isShutOut(device).finally(() => (connections.signIn = signIn.bind(connections)));
    expect(device.all('connected')).toEqual([]);
  });

  it('a device that is let in before is told and closed', async () => {
    const zoya = await app.register('Зоя');
    await bystander.query('BEGIN');
    await bystander.query('SELECT FROM sessions WHERE user_id = $1 FOR UPDATE', [zoya.id]);
    const device = app.keep(Device.open(app.url, zoya.token));
    await bystander.somebodyWaits();
    const banned = ban(zoya);
    await bothWait();
    await bystander.query('COMMIT');
    await banned;
    await isShutOut(device);
  });

  it('of devices that open in any moment around it, none stays', async () => {
    for (let round = 0; round < 8; round++) {
      const who = await app.register('Многие');
      const open = Array.from({ length: 4 }, (_, i) => i * round * 2).map(async (ms) => {
        await sleep(ms);
        return app.keep(Device.open(app.url, who.token));
      });
      await sleep(round * 4);
      await ban(who);
      for (const device of await Promise.all(open)) {
        await device.next('error', ({ code }) => code === 'UNAUTHORIZED');
        await device.disconnected();
      }
    }
  });

  it('a sign-in that comes meanwhile opens no session', async () => {
    const ilya = await app.register('Илья');
    let signedIn!: ReturnType<typeof login>;
    await banning(ilya, async () => {
      signedIn = login(ilya);
      await bothWait();
    });
    expect((await signedIn).status).toBe(401);
    expect(
      await app.rows('SELECT FROM sessions WHERE user_id = $1 AND revoked_at IS NULL', [ilya.id]),
    ).toEqual([]);
  });
});

describe('a role', () => {
  const setRole = (who: Account, role: string, by = admin) =>
    asAdmin<AccountDto>(`PATCH /${who.id}`, { role }, by);

  it('takes effect at the next request, both ways', async () => {
    const anna = await app.register('Анна');
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

  it('is not one’s own to change, nor any other than the two, nor admin for somebody banned', async () => {
    const own = await setRole(admin, 'user');
    expect([own.status, own.body.code]).toEqual([403, 'FORBIDDEN']);
    const boris = await app.register('Борис');
    for (const body of [{ role: 'owner' }, {}, { role: null }])
      expect((await asAdmin(`PATCH /${boris.id}`, body)).status).toBe(400);
    await ban(boris);
    const promoted = await setRole(boris, 'admin');
    expect([promoted.status, promoted.body.code]).toEqual([409, 'CONFLICT']);
    expect(await app.rows('SELECT role::text FROM users WHERE id = ANY($1)', [[admin.id, boris.id]])).toEqual(
      expect.arrayContaining([{ role: 'admin' }, { role: 'user' }]),
    );
  });

  it('of two admins who take it from each other, one stays', async () => {
    const [one, two] = await app.people('Один', 'Два');
    for (const who of [one, two]) await setRole(who, 'admin');
    await bystander.query('BEGIN');
    await bystander.query('SELECT FROM users WHERE id = ANY($1) FOR UPDATE', [[one.id, two.id]]);
    const both = Promise.all([setRole(one, 'user', two), setRole(two, 'user', one)]);
    await bothWait();
    await bystander.query('COMMIT');
    expect((await both).map(({ status }) => status).sort((a, b) => a - b)).toEqual([200, 403]);
    expect(
      await app.rows(`SELECT FROM users WHERE id = ANY($1) AND role = 'admin'`, [[one.id, two.id]]),
    ).toHaveLength(1);
  });
});

describe('sessions', () => {
  it('of a user are listed as their own list has them', async () => {
    const anna = await app.register('Анна');
    await login(anna);
    const mine = await app.request<SessionPage>('GET', 'auth/sessions', anna.token);
    const { status, body } = await asAdmin<SessionPage>(`GET /${anna.id}/sessions`);
    expect([status, contractErrors(SessionPage, body)]).toEqual([200, []]);
    expect(body.items).toEqual(mine.body.items.map((session) => ({ ...session, current: false })));
    const page = await asAdmin<SessionPage>(`GET /${anna.id}/sessions?limit=1`);
    expect(page.body.items).toEqual(body.items.slice(0, 1));
    expect(page.body.next_cursor).toEqual(expect.any(String));
  });

  it('end all at once, with their sockets; who signs in anew is let in', async () => {
    const boris = await app.register('Борис');
    const tablet = (await login(boris)).body.access_token;
    const devices = [await app.device(boris), app.keep(await Device.connect(app.url, tablet))];
    const [bystanding] = await app.devices(other);
    const out = Promise.all(devices.map(isShutOut));
    expect((await asAdmin(`DELETE /${boris.id}/sessions`)).status).toBe(204);
    await out;
    expect([await me(boris.token), await me(tablet)]).toEqual([401, 401]);
    expect((await asAdmin<SessionPage>(`GET /${boris.id}/sessions`)).body.items).toEqual([]);
    expect((await asAdmin(`DELETE /${boris.id}/sessions`)).status).toBe(204);
    expect(await entries(boris)).toEqual([
      { admin_id: admin.id, action: 'sessions_revoked', details: { count: 2 } },
    ]);
    const again = await login(boris);
    app.keep(await Device.connect(app.url, again.body.access_token));
    await bystanding.settled();
    expect(bystanding.all('error')).toEqual([]);
  });
});
