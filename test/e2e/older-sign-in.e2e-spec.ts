import { AccessTokenAnswer, ErrorBody, SessionPage } from '#contracts';
import type { SignedIn } from '#identity';
import { contractErrors, Device, PlainClient, TestApp, until, type Account } from '#testing';
import jwt, { type JwtPayload } from 'jsonwebtoken';
import { setTimeout as sleep } from 'node:timers/promises';
import { AssistantEndpoint } from '../../apps/realtime/src/assistant/assistant-endpoint.js';
import { userOf, type DeviceSocket } from '../../apps/realtime/src/connections/device-connection.js';

const PATH = '/auth/login';
const PASSWORD = 'correct horse battery';

let app: TestApp;
let anna: Account;
beforeAll(async () => {
  app = await TestApp.start();
  anna = await app.register('Анна');
});
afterAll(() => app.stop());

const login = (body: object, to = app) => to.request<AccessTokenAnswer>('POST', PATH, undefined, body);

it('the older sign-in returns only the access token, which lasts as long as its session', async () => {
  const { status, body } = await login({ email: anna.email.toUpperCase(), password: PASSWORD });
  expect(status).toBe(200);
  expect(Object.keys(body)).toEqual(['accessToken']);
  expect(contractErrors(AccessTokenAnswer, body)).toEqual([]);
  const sessions = await app.request<SessionPage>('GET', 'auth/sessions', body.accessToken);
  const mine = sessions.body.items.find(({ current }) => current)!;
  const { exp, sid } = jwt.decode(body.accessToken) as JwtPayload;
  expect(sid).toBe(mine.id);
  expect(exp).toBe(Math.floor(Date.parse(mine.expires_at) / 1000));
  expect(exp! - Date.now() / 1000).toBeGreaterThan(29 * 24 * 3600);
});

it.each(['/', '/messenger', '/messenger-classic', '/chat-basic'])(
  'an older token keeps a socket of %s as long as its session lasts',
  async (namespace) => {
    const { accessToken } = (await login({ email: anna.email, password: PASSWORD })).body;
    const { exp } = jwt.decode(accessToken, { json: true })!;
    const client = PlainClient.open(app.url + namespace, { auth: { token: accessToken } });
    await new Promise<void>((resolve) => client.socket.once('connect', resolve));
    const server = app.socketServer;
    const [socket] = [...server.of(namespace).sockets.values()] as DeviceSocket[];
    expect(userOf(socket!).expiresAt.getTime()).toBe(exp! * 1000);
    expect(exp! * 1000 - Date.now()).toBeGreaterThan(29 * 24 * 3600_000);
    client.close();
    await until('it is gone', () => server.of(namespace).sockets.size === 0);
  },
);

it('an older token keeps a connection of /ws/chat as long as its session lasts', async () => {
  const { accessToken } = (await login({ email: anna.email, password: PASSWORD })).body;
  const { exp } = jwt.decode(accessToken, { json: true })!;
  const assistant = await app.assistant();
  assistant.send('join_chat', { token: accessToken });
  const { connections } = app.app.get<object, { connections: Set<{ user?: SignedIn }> }>(AssistantEndpoint);
  const [connection] = connections;
  await until('it has joined', () => connection!.user !== undefined);
  expect(connection!.user!.expiresAt.getTime()).toBe(exp! * 1000);
});

it('an older token keeps its socket although it lasts longer than a timer can', async () => {
  const { accessToken } = (await login({ email: anna.email, password: PASSWORD })).body;
  const device = app.keep(await Device.connect(app.url, accessToken));
  await sleep(100);
  await device.settled();
  expect(device.all('error')).toEqual([]);
});

it('an older token ends at once when its session is signed out', async () => {
  const { accessToken } = (await login({ email: anna.email, password: PASSWORD })).body;
  const { sid } = jwt.decode(accessToken, { json: true })!;
  expect((await app.request('GET', 'users/me', accessToken)).status).toBe(200);
  await app.request('DELETE', `auth/sessions/${sid}`, anna.token);
  expect((await app.request('GET', 'users/me', accessToken)).status).toBe(401);
});

it('the older sign-in leaves the tokens of the newer one short', () => {
  const { iat, exp } = jwt.decode(anna.token) as JwtPayload;
  expect(exp! - iat!).toBe(15 * 60);
});

it.each<[string, () => object, number, string]>([
  ['a wrong password', () => ({ email: anna.email, password: 'wrong' }), 401, 'UNAUTHORIZED'],
  ['no password', () => ({ email: anna.email }), 400, 'INVALID_DATA'],
])('the older sign-in refuses %s with the common error body', async (_, body, status, code) => {
  const reply = await login(body());
  expect([reply.status, reply.body.code]).toEqual([status, code]);
  expect(contractErrors(ErrorBody, reply.body)).toEqual([]);
});

it('the older sign-in shares its rate limit with the newer one', async () => {
  const limited = await TestApp.start({ SIGN_IN_RATE: '1' });
  const wrong = { email: 'a@example.com', password: 'x' };
  expect((await limited.request('POST', 'auth/login', undefined, wrong)).status).toBe(401);
  expect((await login(wrong, limited)).status).toBe(429);
  await limited.stop();
});
