import { AppError } from '#contracts';
import { Authenticator } from '#identity';
import { Bodies, RateLimits } from '#platform';
import { Device, TestApp, until, type Account } from '#testing';
import { connect } from 'node:net';
import { internalErrors, refused } from './counted.js';
import { RawSocket } from './raw-client.js';

const range = (length: number) => Array.from({ length }, (_, i) => i);
/** The limit is 2,000. */
const objects = (count: number) => range(count).map(() => ({}));

let app: TestApp;
let anna: Account;
beforeAll(async () => {
  app = await TestApp.start({});
  anna = await app.register('Анна');
});
afterAll(() => app.stop());
afterEach(async () => {
  jest.restoreAllMocks();
  expect(await internalErrors(app.url)).toBe(0);
});

describe('JSON with more than 2,000 values is INVALID_DATA', () => {
  const message = 'Payload exceeds 2000 values';

  it('over REST, while one with fewer is read', async () => {
    const post = (count: number) =>
      app.request('POST', 'auth/login', undefined, {
        email: anna.email,
        password: 'wrong',
        junk: objects(count),
      });
    expect(await post(2000)).toMatchObject({ status: 400, body: { code: 'INVALID_DATA', message } });
    expect((await post(990)).status).toBe(401);
  });

  it('in an event, and the connection stays', async () => {
    const device = await app.device(anna);
    const answer = await device.send('chat:join', { chat_id: anna.id, junk: objects(2000) });
    expect(answer).toMatchObject({ code: 'INVALID_DATA', message });
    expect(await device.send('chat:join', { chat_id: anna.id })).toMatchObject({ code: 'CHAT_NOT_FOUND' });
  });

  it('in a CONNECT, or UNAUTHORIZED, before the token is checked', async () => {
    const verify = jest.spyOn(app.app.get(Authenticator), 'verify');
    const raw = await RawSocket.open(app.url);
    raw.send(`40${JSON.stringify({ token: anna.token, junk: objects(2000) })}`);
    await raw.ended();
    expect(raw.frames.join()).toContain('"code":"UNAUTHORIZED"');
    expect(verify).not.toHaveBeenCalled();
  });

  it('in a frame of the assistant', async () => {
    const client = await app.assistant();
    client.send('join_chat', { token: anna.token, junk: objects(2000) });
    expect(await client.next('error')).toMatchObject({ code: 'INVALID_DATA', message });
    client.close();
  });
});

it('a socket keeps only the scope of its CONNECT', async () => {
  const given = { token: anna.token, junk: objects(900), scope: 'joined' };
  const device = app.keep(Device.open(app.url, anna.token, { auth: given }));
  await device.next('sync:required');
  const { auth } = app.socketServer.of('/').sockets.get(device.socket.id!)!.handshake;
  expect(Object.entries(auth).filter(([, value]) => value !== undefined)).toEqual([['scope', 'joined']]);
});

it('the values of all concurrent bodies are bounded before they are parsed', async () => {
  const { port, hostname } = new URL(app.url);
  let goOn!: () => void;
  const held = new Promise<never>((_, reject) => (goOn = () => reject(new AppError('UNAVAILABLE', 'late'))));
  held.catch(() => undefined);
  jest.spyOn(app.app.get(RateLimits), 'takeOf').mockReturnValue(held);
  const body = JSON.stringify({ email: 'nobody@example.com', password: 'wrong', junk: objects(950) });
  const head = `POST /api/v2/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
  const sockets = range(400).map(() => connect(Number(port), hostname).on('error', () => {}));
  let answers = '';
  for (const socket of sockets)
    socket.on('data', (data) => (answers += String(data).split('\r\n')[0] + '\n'));
  for (const socket of sockets) socket.write(head + body.slice(0, -1));
  for (const socket of sockets) socket.write(body.slice(-1));
  const answered = () => answers.trim().split('\n').length;
  // 125 KB each of 32 MiB.
  await until('some are refused', () => answered() >= 100);
  for (const socket of sockets.slice(0, 50)) socket.destroy();
  goOn();
  await until('all are answered', () => answered() >= 350);
  for (const socket of sockets) socket.destroy();
  jest.restoreAllMocks();
  expect(await refused(app.url, 'bodies')).toBeGreaterThan(100);
  expect(app.app.get<unknown, { size: number }>(Bodies).size).toBe(0);
  const honest = await app.request('POST', 'auth/login', undefined, {
    email: anna.email,
    password: 'correct horse battery',
  });
  expect(honest.status).toBe(200);
});

it('unknown keys are dropped at no extra cost', async () => {
  const device = await app.device(anna);
  const keys = Object.fromEntries(range(1900).map((i) => [`key${i}`, i]));
  const answer = await app.request('PUT', 'notifications/preferences', anna.token, { ...keys, disabled: [] });
  expect(answer.status).toBe(200);
  expect(Object.keys(answer.body as object).filter((key) => key.startsWith('key'))).toEqual([]);
  await device.settled();
});

it('the people that a user watches over all sockets are bounded', async () => {
  const ids = range(200).map((i) => `00000000-0000-4000-8000-${String(i).padStart(12, '0')}`);
  const devices = await app.devices(...range(21).map(() => anna));
  const answer = await devices[0]!.send('presence:watch', { user_ids: ids });
  expect(answer.code).toBe('RATE_LIMIT');
  expect((await devices[0]!.send('presence:watch', { user_ids: ids.slice(0, 150) })).status).toBe('ok');
});

it('a connection to the assistant ends after 20 frames without a sign-in', async () => {
  const [stranger, known] = [await app.assistant(), await app.assistant()];
  for (const client of [stranger, known]) for (const _ of range(19)) client.send('stop');
  known.send('join_chat', { token: anna.token });
  await known.ask('create_chat', {}, 'chat_created');
  for (const _ of range(2)) stranger.send('stop');
  await stranger.disconnected();
  expect(stranger.all('error')).toHaveLength(20);
  known.close();
});
