import { type AuthAnswer, type ChatDto } from '#contracts';
import { EventPublisher } from '#realtime';
import { DatabaseSession, Device, SIGNING_KEY, TestApp, text, type Account } from '#testing';
import jwt, { type JwtPayload } from 'jsonwebtoken';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connections } from '../../apps/realtime/src/connections/connections.js';

let app: TestApp;
let anna: Account;
let boris: Account;
let chat: ChatDto;
beforeAll(async () => {
  app = await TestApp.start();
  [anna, boris] = await app.people('Анна', 'Борис');
  chat = await app.chat(anna, boris);
});
const databaseSessions: DatabaseSession[] = [];
afterAll(async () => {
  await Promise.all(databaseSessions.map((databaseSession) => databaseSession.end()));
  await app.stop();
});

/** The same token with other claims, validly signed. */
const forge = (token: string, claims: object, key = SIGNING_KEY) =>
  jwt.sign({ ...(jwt.decode(token) as JwtPayload), ...claims }, key);
const databaseSession = async () => {
  const at = await DatabaseSession.at(app.databaseUrl);
  databaseSessions.push(at);
  await at.query('BEGIN');
  return at;
};
/** Makes a connecting device wait until the lock is rolled back. */
const lockSessions = async ({ id }: Account, by?: DatabaseSession) => {
  const at = by ?? (await databaseSession());
  await at.query('SELECT FROM sessions WHERE user_id = $1 FOR UPDATE', [id]);
  return at;
};
const inSeconds = (seconds: number) => ({ exp: Date.now() / 1000 + seconds });
const reasonOf = async (device: Device) => (await device.next('sync:required')).reason;
const refresh = async (account: Account) => {
  const body = { refresh_token: account.refreshToken };
  return (await app.request<AuthAnswer>('POST', 'auth/refresh', undefined, body)).body.access_token;
};

describe('a good token', () => {
  it.each([
    ['bare', () => ({ auth: { token: anna.token } })],
    ['with Bearer', () => ({ auth: { token: `Bearer ${anna.token}` } })],
    ['in the header', () => ({ auth: {}, extraHeaders: { authorization: `Bearer ${anna.token}` } })],
    ['by polling', () => ({ auth: { token: anna.token }, transports: ['polling'] })],
    ['by polling, then upgraded', () => ({ transports: ['polling', 'websocket'] })],
  ])('connects: %s', async (_, options) => {
    const device = app.keep(await Device.connect(app.url, anna.token, options()));
    const { socket_id, user_id } = await device.next('connected');
    expect([socket_id, user_id]).toEqual([device.socket.id, anna.id]);
    expect(await device.next('sync:required')).toMatchObject({ user_id: anna.id });
    expect((await device.send('chat:message:send', text(chat))).status).toBe('sent');
    device.close();
  });
});

describe('a connecting device', () => {
  it('receives the reason why it must sync', async () => {
    const me = await app.register();
    const first = await app.device(me);
    expect(await reasonOf(first)).toBe('connection_established');
    first.close();
    expect(await reasonOf(await app.device(me))).toBe('reconnection');
    const token = await refresh(me);
    expect(await reasonOf(app.keep(await Device.connect(app.url, token)))).toBe('token_refresh');
    expect(await reasonOf(app.keep(await Device.connect(app.url, token)))).toBe('reconnection');
  });

  it('receives a reason that depends on its session, not on the user', async () => {
    const me = await app.register();
    await app.device(me);
    const login = { email: me.email, password: 'correct horse battery' };
    const { body } = await app.request<AuthAnswer>('POST', 'auth/login', undefined, login);
    const other = app.keep(await Device.connect(app.url, body.access_token));
    expect(await reasonOf(other)).toBe('connection_established');
  });

  it('receives sync:required before the answers to all events it sent at once', async () => {
    const slow = await lockSessions(boris);
    const device = app.keep(Device.open(app.url, boris.token));
    const order: string[] = [];
    // Other users come and go meanwhile.
    device.socket.onAny((event: string) => event.startsWith('user:') || order.push(event));
    const send = device.send('chat:message:send', text(chat, 'as soon as I am here'));
    await slow.somebodyWaits();
    expect(order).toEqual([]);
    await slow.query('ROLLBACK');
    const { message_id } = await send;
    await device.next('chat:message:new', ({ id }) => id === message_id);
    expect(order.slice(0, 3)).toEqual(['connected', 'sync:required', 'chat:message:new']);
  });

  it('receives no event of a chat that the user was removed from meanwhile', async () => {
    const [vera, gleb] = await app.people('Вера', 'Глеб');
    const group = await app.group(vera, gleb);
    const veraDevice = await app.device(vera);
    const slow = await lockSessions(gleb);
    const device = app.keep(Device.open(app.url, gleb.token));
    await slow.somebodyWaits();
    // Its chats have been read by now, its session has not.
    await sleep(100);
    await app.request('DELETE', `chats/${group.id}/members/${gleb.id}`, vera.token);
    await slow.query('ROLLBACK');
    await device.next('sync:required');
    await veraDevice.send('chat:message:send', text(group, 'without Gleb'));
    await device.settled();
    expect(device.all('chat:message:new')).toEqual([]);
  });

  it('receives no event of a chat that the user was removed from meanwhile, even if its node missed the removal', async () => {
    const [vera, gleb] = await app.people('Вера', 'Глеб');
    const group = await app.group(vera, gleb);
    const veraDevice = await app.device(vera);
    const slow = await lockSessions(gleb);
    const device = app.keep(Device.open(app.url, gleb.token));
    await slow.somebodyWaits();
    // Its chats have been read by now, its session has not.
    await sleep(100);
    const received = jest
      .spyOn(app.app.get(EventPublisher), 'subscriptionsChanged')
      .mockImplementationOnce(() => {});
    await app.request('DELETE', `chats/${group.id}/members/${gleb.id}`, vera.token);
    expect(received).toHaveBeenCalled();
    app.app.get(Connections).resync();
    await slow.query('ROLLBACK');
    await device.next('sync:required');
    await veraDevice.send('chat:message:send', text(group, 'without Gleb'));
    await device.settled();
    expect(device.all('chat:message:new')).toEqual([]);
  });

  it('receives no event of a chat that the user was removed from meanwhile, however long the lookup takes', async () => {
    const [vera, gleb] = await app.people('Вера', 'Глеб');
    const group = await app.group(vera, gleb);
    const veraDevice = await app.device(vera);
    const slow = await databaseSession();
    await slow.query('LOCK follows IN ACCESS EXCLUSIVE MODE');
    const device = app.keep(Device.open(app.url, gleb.token));
    await slow.somebodyWaits();
    // Its chats have been read by now, its relationships have not.
    await sleep(100);
    await app.request('DELETE', `chats/${group.id}/members/${gleb.id}`, vera.token);
    await veraDevice.send('chat:message:send', text(group, 'without Gleb'));
    await slow.query('ROLLBACK');
    await device.next('sync:required');
    await veraDevice.send('chat:message:send', text(group, 'still without Gleb'));
    await device.settled();
    expect(device.all('chat:message:new')).toEqual([]);
  });

  it('receives no event of a user who blocked it, however long the lookup takes', async () => {
    const [vera, gleb, dina] = await app.people('Вера', 'Глеб', 'Дина');
    await app.request('PUT', `users/${vera.id}/block`, gleb.token);
    const [glebDevice, others] = [await app.device(gleb), await app.device(dina)];
    const slow = await databaseSession();
    await slow.query('LOCK follows IN ACCESS EXCLUSIVE MODE');
    const device = app.keep(Device.open(app.url, vera.token));
    await slow.somebodyWaits();
    glebDevice.close();
    await others.next('user:offline', ({ user_id }) => user_id === gleb.id);
    await slow.query('ROLLBACK');
    await device.next('sync:required');
    await device.settled();
    expect(device.all('user:offline').filter(({ user_id }) => user_id === gleb.id)).toEqual([]);
  });

  it('receives no event of a chat after the removal, at whatever moment of connecting it happens', async () => {
    const clara = await app.register('Клара');
    const group = await app.group(anna, boris, clara);
    for (let round = 0; round < 5; round++) {
      const devices = Array.from({ length: 4 }, () => app.keep(Device.open(app.url, boris.token)));
      await new Promise((resolve) => setTimeout(resolve, round * 5));
      const removed = await app.request('DELETE', `chats/${group.id}/members/${boris.id}`, anna.token);
      expect(removed.status).toBe(204);
      await Promise.all(devices.map((device) => device.next('sync:required')));
      const body = { type: 'text', content: `round ${round}` };
      await app.request('POST', `chats/${group.id}/messages`, anna.token, body);
      for (const device of devices) {
        await device.send('presence:get', { user_ids: [boris.id] });
        expect(device.all('chat:message:new').map(({ content }) => content)).not.toContain(body.content);
        device.close();
      }
      await app.request('POST', `chats/${group.id}/members`, anna.token, { user_ids: [boris.id] });
    }
  });

  it('receives events of every chat without chat:join, also of a chat made while it is connected', async () => {
    const [vera, gleb] = await app.people('Вера', 'Глеб');
    const device = await app.device(vera);
    const made = await app.group(gleb, vera);
    expect((await device.next('chat:created')).id).toBe(made.id);
    const path = `chats/${made.id}/messages`;
    await app.request('POST', path, gleb.token, { type: 'text', content: 'hello' });
    expect((await device.next('chat:message:new')).content).toBe('hello');
  });
});

describe('a connection ends', () => {
  const isSignedOut = async (device: Device) => {
    const since = Date.now();
    await device.next('error', ({ code }) => code === 'UNAUTHORIZED');
    await device.disconnected();
    expect(Date.now() - since).toBeLessThan(1000);
  };

  it('when its token expires', async () => {
    const me = await app.register();
    const device = app.keep(await Device.connect(app.url, forge(me.token, inSeconds(0.7))));
    await device.next('error', ({ code }) => code === 'UNAUTHORIZED');
    await device.disconnected();
  });

  it('later after auth:refresh, which refuses another user’s token', async () => {
    const me = await app.register();
    const device = app.keep(await Device.connect(app.url, forge(me.token, inSeconds(0.7))));
    const until = Date.now() + 1000;
    expect((await device.send('auth:refresh', { token: anna.token })).code).toBe('UNAUTHORIZED');
    expect((await device.send('auth:refresh', { token: 'garbage' })).code).toBe('UNAUTHORIZED');
    const token = await refresh(me);
    const { status, expires_at } = await device.send('auth:refresh', { token: `Bearer ${token}` });
    expect(status).toBe('ok');
    expect(Date.parse(expires_at)).toBe((jwt.decode(token) as JwtPayload).exp! * 1000);
    await new Promise((resolve) => setTimeout(resolve, until - Date.now()));
    await device.settled();
    expect(device.all('error')).toEqual([]);
  });

  it('earlier when auth:refresh brings a token that expires earlier', async () => {
    const me = await app.register();
    const device = await app.device(me);
    const token = forge(me.token, inSeconds(0.7));
    expect((await device.send('auth:refresh', { token })).status).toBe('ok');
    await device.next('error', ({ code }) => code === 'UNAUTHORIZED');
    await device.disconnected();
  });

  it('within a second of a logout, for that session’s devices only', async () => {
    const me = await app.register();
    const login = { email: me.email, password: 'correct horse battery' };
    const { body } = await app.request<AuthAnswer>('POST', 'auth/login', undefined, login);
    const [phone, tablet] = [await app.device(me), await app.device(me)];
    const other = app.keep(await Device.connect(app.url, body.access_token));
    const out = Promise.all([isSignedOut(phone), isSignedOut(tablet)]);
    expect((await app.request('POST', 'auth/logout', me.token)).status).toBe(204);
    await out;
    await other.settled();
    expect(other.all('error')).toEqual([]);
  });

  it('when another device revokes its session, also after auth:refresh', async () => {
    const me = await app.register();
    const login = { email: me.email, password: 'correct horse battery' };
    const { body } = await app.request<AuthAnswer>('POST', 'auth/login', undefined, login);
    const device = await app.device(me);
    await device.send('auth:refresh', { token: body.access_token });
    const { sid } = jwt.decode(body.access_token) as { sid: string };
    const out = isSignedOut(device);
    expect((await app.request('DELETE', `auth/sessions/${sid}`, me.token)).status).toBe(204);
    await out;
  });

  it('with the session of the last of two concurrent auth:refresh', async () => {
    const me = await app.register();
    const login = { email: me.email, password: 'correct horse battery' };
    const { body } = await app.request<AuthAnswer>('POST', 'auth/login', undefined, login);
    const device = await app.device(me);
    const refreshes = [body.access_token, me.token].map((token) => device.send('auth:refresh', { token }));
    expect((await Promise.all(refreshes)).map(({ status }) => status)).toEqual(['ok', 'ok']);
    const out = isSignedOut(device);
    expect((await app.request('POST', 'auth/logout', me.token)).status).toBe(204);
    await out;
  });
});
