import { AuthAnswer, ErrorBody, MeDto, SessionPage, UserDto, UserPage } from '#contracts';
import { contractErrors, TestApp, type Account } from '#testing';
import { randomUUID } from 'node:crypto';

const PASSWORD = 'correct horse battery';

let app: TestApp;
let anna: Account;
beforeAll(async () => {
  app = await TestApp.start();
  anna = await app.register('Анна Иванова');
});
afterAll(() => app.stop());

const get = <T = object>(path: string, token: string | undefined = anna.token) =>
  app.request<T>('GET', path, token);
const post = <T = object>(path: string, body?: object, token?: string) =>
  app.request<T>('POST', path, token, body);

describe('sign-in', () => {
  it('registers, signs in and answers as the specification says', async () => {
    const account = {
      email: `  ${randomUUID()}@Example.com`,
      password: PASSWORD,
      name: ' Борис ',
      device: 'Pixel 9',
    };
    const registered = await post<AuthAnswer>('auth/register', {
      ...account,
      role: 'admin',
      is_master: true,
    });
    expect(registered.status).toBe(201);
    expect(contractErrors(AuthAnswer, registered.body)).toEqual([]);
    expect(registered.body.user).toMatchObject({
      email: account.email.trim().toLowerCase(),
      name: 'Борис',
      role: 'user',
      is_master: false,
      online: false,
    });
    const signedIn = await post<AuthAnswer>('auth/login', {
      email: account.email.toUpperCase(),
      password: PASSWORD,
    });
    expect(signedIn.status).toBe(200);
    expect(contractErrors(AuthAnswer, signedIn.body)).toEqual([]);
    expect(signedIn.body.user).toEqual(registered.body.user);
  });

  it('names every wrong field', async () => {
    const { status, body } = await post<ErrorBody>('auth/register', {
      email: 'no address',
      password: 'short',
      name: '  ',
      avatar: 'javascript:alert(1)',
    });
    expect(status).toBe(400);
    expect(contractErrors(ErrorBody, body)).toEqual([]);
    expect(body.code).toBe('INVALID_DATA');
    expect(new Set(body.details!.map(({ field }) => field))).toEqual(
      new Set(['email', 'password', 'name', 'avatar']),
    );
  });

  it('answers CONFLICT for a taken e-mail and UNAUTHORIZED for a wrong password', async () => {
    const taken = await post('auth/register', { email: anna.email, password: PASSWORD, name: 'Anna' });
    expect([taken.status, taken.body]).toMatchObject([409, { code: 'CONFLICT', reason: 'email_taken' }]);
    const wrong = await post('auth/login', { email: anna.email, password: 'wrong password' });
    expect([wrong.status, wrong.body.code]).toEqual([401, 'UNAUTHORIZED']);
  });

  it('answers CONFLICT for a taken handle', async () => {
    const set = async () => {
      const { token } = await app.register();
      return (await app.request('PATCH', 'users/me', token, { handle: 'the_only_one' })).body;
    };
    expect(await set()).toMatchObject({ handle: 'the_only_one' });
    expect(await set()).toMatchObject({ code: 'CONFLICT', reason: 'handle_taken' });
  });

  it('takes every spelling of an e-mail address for the same account', async () => {
    const email = `Zoë.${randomUUID()}@пример.рф`;
    const register = (typed: string) =>
      post('auth/register', { email: typed, password: PASSWORD, name: 'Zoë' });
    const first = await register(email);
    expect([first.status, (first.body as unknown as AuthAnswer).user.email]).toEqual([
      201,
      email.toLowerCase(),
    ]);
    for (const typed of [
      email.normalize('NFD'),
      email.toUpperCase(),
      email.replace('пример.рф', 'xn--e1afmkfd.xn--p1ai'),
      email.replace('@', '＠').replace('Z', 'Ｚ'),
    ]) {
      const again = await register(typed);
      expect([typed, again.status, again.body.code]).toEqual([typed, 409, 'CONFLICT']);
      for (const path of ['auth/login', '/auth/login']) {
        const { status } = await post(path, { email: typed, password: PASSWORD });
        expect([path, typed, status < 300]).toEqual([path, typed, true]);
      }
    }
    for (const invalid of ['anna@xn--a', 'anna@example.com/x', 'anna@localhost', '\u200B@example.com'])
      expect([invalid, (await register(invalid)).body.code]).toEqual([invalid, 'INVALID_DATA']);
    // Invisible characters, which nobody types: such an address signs in, but cannot register.
    for (const sign of ['\u200B', '\u00AD', '\u202E', '\u2060', '\u3164', '\u{E0041}'])
      for (const typed of [
        `${sign}${email}`,
        email.replace('.', `${sign}.`),
        email.replace('@', `@${sign}`),
      ]) {
        expect([typed, (await register(typed)).body.code]).toEqual([typed, 'INVALID_DATA']);
        const { status } = await post('auth/login', { email: typed, password: PASSWORD });
        expect([typed, status < 300]).toEqual([typed, true]);
      }
  });

  it('rotates tokens and refuses a forged one', async () => {
    const { refreshToken } = await app.register();
    const rotated = await post<AuthAnswer>('auth/refresh', { refresh_token: refreshToken });
    expect(rotated.status).toBe(200);
    expect(contractErrors(AuthAnswer, rotated.body)).toEqual([]);
    expect((await get('users/me', rotated.body.access_token)).status).toBe(200);
    const forged = await post('auth/refresh', { refresh_token: `${refreshToken}x` });
    expect([forged.status, forged.body.code]).toEqual([401, 'UNAUTHORIZED']);
  });

  it('limits attempts and says when to retry', async () => {
    const limited = await TestApp.start({ SIGN_IN_RATE: '1' });
    const attempt = () =>
      limited.request<ErrorBody>('POST', 'auth/login', undefined, { email: 'a@example.com', password: 'x' });
    expect((await attempt()).status).toBe(401);
    const { status, body, headers } = await attempt();
    expect([status, body.code]).toEqual([429, 'RATE_LIMIT']);
    expect(contractErrors(ErrorBody, body)).toEqual([]);
    expect(Number(headers.get('retry-after'))).toBe(Math.ceil(body.retry_after_ms! / 1000));
    await limited.stop();
  });
});

describe('sessions', () => {
  it('lists the user’s own, and ends the current one or another, but not a stranger’s', async () => {
    const me = await app.register();
    const other = await post<AuthAnswer>('auth/login', {
      email: me.email,
      password: PASSWORD,
      device: 'Tablet',
    });
    const { body } = await get<SessionPage>('auth/sessions', me.token);
    expect(contractErrors(SessionPage, body)).toEqual([]);
    expect(body.items.map(({ device, current }) => [device, current])).toEqual([
      ['Tablet', false],
      [null, true],
    ]);
    const revoke = (id: string, token: string) => app.request('DELETE', `auth/sessions/${id}`, token);
    const id = body.items[0]!.id;
    const strangers = await revoke(id, anna.token);
    expect([strangers.status, strangers.body.code]).toEqual([404, 'NOT_FOUND']);
    expect((await get('users/me', other.body.access_token)).status).toBe(200);
    expect((await revoke(id, me.token)).status).toBe(204);
    expect((await get('users/me', other.body.access_token)).status).toBe(401);
    expect((await post('auth/logout', undefined, me.token)).status).toBe(204);
    expect((await get('users/me', me.token)).status).toBe(401);
    expect((await post('auth/refresh', { refresh_token: me.refreshToken })).status).toBe(401);
  });

  it('notifies signed-out devices and disconnects them within a second', async () => {
    const me = await app.register();
    const device = await app.device(me);
    const started = Date.now();
    await post('auth/logout', undefined, me.token);
    expect(await device.next('error')).toMatchObject({ code: 'UNAUTHORIZED' });
    await device.disconnected();
    expect(Date.now() - started).toBeLessThan(1000);
  });
});

it('never mixes up users when many send requests at once', async () => {
  const people = await Promise.all(['Vera', 'Gleb', 'Dina'].map((name) => app.register(name)));
  const asked = Array.from({ length: 60 }, (_, i) => people[i % people.length]!);
  const answers = await Promise.all(asked.map(({ token }) => get<MeDto>('users/me', token)));
  expect(answers.map(({ body }) => body.id)).toEqual(asked.map(({ id }) => id));
});

describe('users', () => {
  it('returns the caller’s profile and changes it', async () => {
    const { status, body } = await get<MeDto>('users/me');
    expect(status).toBe(200);
    expect(contractErrors(MeDto, body)).toEqual([]);
    const changed = await app.request<MeDto>('PATCH', 'users/me', anna.token, {
      is_master: true,
      email: 'x@y.z',
    });
    expect(changed.body).toEqual({ ...body, is_master: true });
  });

  it('returns other users and finds them by name, also in Cyrillic', async () => {
    const boris = await app.register('Борис Годунов');
    const found = await get<UserPage>(`users?query=${encodeURIComponent('ГОДУН')}`);
    expect(contractErrors(UserPage, found.body)).toEqual([]);
    expect(found.body.items.map(({ id }) => id)).toEqual([boris.id]);
    const one = await get<UserDto>(`users/${boris.id}`);
    expect(one.body).toEqual(found.body.items[0]);
    const missing = await get(`users/${randomUUID()}`);
    expect([missing.status, missing.body.code]).toEqual([404, 'NOT_FOUND']);
  });

  it('finds only masters, or only other users', async () => {
    const [client, master] = await app.people('Фильтр Анна', 'Фильтр Яна');
    await app.request('PATCH', 'users/me', master.token, { is_master: true });
    const ids = async (filter: string) =>
      (await get<UserPage>(`users?query=${encodeURIComponent('фильтр')}${filter}`)).body.items.map(
        ({ id }) => id,
      );
    expect(await ids('&is_master=true')).toEqual([master.id]);
    expect(await ids('&is_master=false')).toEqual([client.id]);
    expect(await ids('')).toEqual([client.id, master.id]);
    const device = await app.device(await app.register());
    const { items } = await device.send('users:list', { query: 'фильтр', is_master: true });
    expect(items.map(({ id }) => id)).toEqual([master.id]);
    device.close();
  });

  it('shows who is online', async () => {
    const zoe = await app.register('Zoe');
    const device = await app.device(zoe);
    expect((await get<UserDto>(`users/${zoe.id}`)).body.online).toBe(true);
    const { body } = await get<{ items: object[] }>(`presence?user_ids=${zoe.id},${anna.id}`);
    expect(body.items).toEqual([
      expect.objectContaining({ user_id: zoe.id, online: true }),
      expect.objectContaining({ user_id: anna.id, online: false }),
    ]);
    device.close();
  });

  it.each([
    'users/no-id',
    'users?limit=0',
    'users?limit=201',
    'users?cursor=x',
    'users?query=a&query=b',
    'users?is_master=yes',
    'presence',
  ])('refuses %s', async (path) => {
    const { status, body } = await get<ErrorBody>(path);
    expect([status, body.code]).toEqual([400, 'INVALID_DATA']);
    expect(contractErrors(ErrorBody, body)).toEqual([]);
  });
});
