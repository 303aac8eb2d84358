import { Authenticator } from '#identity';
import { Device, TestApp, until, type Account } from '#testing';
import { request, type IncomingMessage } from 'node:http';
import type { Server } from 'socket.io';
import WebSocket from 'ws';
import { connections, internalErrors, refused } from './counted.js';
import { RawPolling, RawSocket } from './raw-client.js';

const MB = 1024 * 1024;
const NAMESPACES = ['', '/messenger,', '/messenger-classic,', '/chat-basic,'];
const PER_ADDRESS = 50;
const OPENING = PER_ADDRESS / 5;
const EVENTS = 20;

const range = (length: number) => Array.from({ length }, (_, i) => i);
const from = (address: string) => ({ 'X-Forwarded-For': address });
import { JoinedChats } from '../../apps/realtime/src/delivery/joined-chats.js';

let app: TestApp;
let server: Server;
let anna: Account;
let boris: Account;
/** A device of another user, which must go on working. */
let observer: Device;
/** The connections of one test. */
let opened: { close(): void }[] = [];
beforeAll(async () => {
  app = await TestApp.start({
    TRUSTED_PROXIES: '1',
    CONNECTIONS_PER_ADDRESS: String(PER_ADDRESS),
    SOCKET_EVENT_RATE: String(EVENTS),
  });
  server = app.socketServer;
  const [vera, ...others] = await app.people('Вера', 'Анна', 'Борис');
  [anna, boris] = others;
  observer = await app.device(vera);
});
afterAll(() => app.stop());
beforeEach(async () => (anna = await app.register('Анна')));
afterEach(async () => {
  jest.restoreAllMocks();
  await observer.settled();
  await (await deviceOf(boris, '203.0.113.9')).settled();
  hangUp();
  expect(await internalErrors(app.url)).toBe(0);
});

/** A device with an address of its own. */
function open({ token }: Account, address: string): Device {
  const device = app.keep(Device.open(app.url, token, { extraHeaders: from(address) }));
  opened.push(device);
  return device;
}
async function deviceOf(account: Account, address: string): Promise<Device> {
  const device = open(account, address);
  await device.next('sync:required');
  return device;
}
/**
 * Opens devices whose sign-ins are all running before one is admitted. Returns how many were admitted and refused.
 */
async function atOnce(count: number, openOne: () => Device): Promise<[number, number]> {
  const authenticator = app.app.get(Authenticator);
  const lookUp = authenticator.connected.bind(authenticator);
  let arrived = 0;
  jest.spyOn(authenticator, 'connected').mockImplementation(async (claims) => {
    arrived += 1;
    await until('all arrive', () => arrived === count);
    return lookUp(claims);
  });
  const devices = range(count).map(openOne);
  for (const device of devices)
    await device.until(() => device.all('error')[0] ?? device.all('sync:required')[0]);
  jest.restoreAllMocks();
  const isOut = (device: Device) => device.all('error').some(({ code }) => code === 'RATE_LIMIT');
  const out = devices.filter(isOut).length;
  return [count - out, out];
}
function hangUp(): void {
  for (const one of opened) one.close();
  for (const session of Object.values(clientsOf(server))) if (!session.isDevice) session.close(true);
  opened = [];
}

interface Answer {
  status: number;
  retryAfter?: string;
  body: { code?: string; retry_after_ms?: number };
}

/** A handshake by polling. */
const handshake = (headers: Record<string, string>, query = '') =>
  new Promise<Answer>((resolve, reject) => {
    const take = (response: IncomingMessage) => {
      let text = '';
      response.on('data', (data: Buffer) => (text += data.toString()));
      response.on('end', () => {
        const body = text.startsWith('{') ? (JSON.parse(text) as Answer['body']) : {};
        resolve({ status: response.statusCode!, retryAfter: response.headers['retry-after'], body });
      });
    };
    request(`${app.url}/socket.io/?EIO=4&transport=polling${query}`, { headers, agent: false }, take)
      .on('error', reject)
      .end();
  });
/** The answer to a refused upgrade. */
const upgraded = (path: string, headers: Record<string, string>) =>
  new Promise<number>((resolve, reject) => {
    const socket = new WebSocket(app.url.replace('http', 'ws') + path, { headers });
    socket.on('unexpected-response', (_, { statusCode }) => resolve(statusCode!));
    socket.on('error', reject);
    socket.on('open', () => reject(new Error('opened')));
  });
const statuses = (answers: Answer[]) => answers.map(({ status }) => status);
const sessions = () => server.engine.clientsCount;
const gone = (count: number) => until('gone', () => sessions() <= count);

describe.each(NAMESPACES)('a second CONNECT of %j in the same tick ends the connection, by', (path) => {
  it.each([
    ['WebSocket', 'good'],
    ['polling', 'good'],
    ['WebSocket', 'bad'],
    ['polling', 'bad'],
  ])('%s with a %s token, and only one token is checked', async (transport, kind) => {
    const before = await connections(app.url);
    const verify = jest.spyOn(app.app.get(Authenticator), 'verify');
    const connect = `40${path}${JSON.stringify({ token: kind === 'good' ? anna.token : 'x' })}`;
    if (transport === 'polling') {
      const polling = await RawPolling.open(app.url);
      await polling.post(Array(2000).fill(connect).join('\x1e')).catch(() => undefined);
      expect(await polling.post('3')).toBe(400);
    } else {
      const raw = await RawSocket.open(app.url);
      for (let i = 0; i < 200; i++) raw.send(connect);
      await raw.ended();
      expect(raw.frames.filter((frame) => frame.startsWith(`40${path}{"sid"`)).length).toBeLessThan(2);
    }
    expect(verify.mock.calls.length).toBeLessThan(2);
    await until('subtracted', async () => (await connections(app.url)) <= before);
  });
});

it('a connection that joins a namespace again and again is ended, whatever its other namespaces do', async () => {
  const raw = await RawSocket.signedIn(app.url, anna);
  for (let i = 0; i < 30 && !raw.closed; i++) {
    const before = raw.frames.length;
    raw.send('40/messenger,{"token":"x"}');
    await raw.until(() => raw.closed || raw.frames[before], 'no answer');
  }
  await raw.ended();
  const again = await RawSocket.signedIn(app.url, anna);
  for (let i = 0; i < 5; i++) {
    const before = again.frames.length;
    again.send(`40/chat-basic,${JSON.stringify({ token: anna.token })}`);
    await again.receives('40/chat-basic,{"sid"', before);
    again.send('41/chat-basic,');
    expect(await again.answers()).toEqual([]);
  }
  expect(await again.answers()).toEqual([]);
  again.close();
});

describe.each(NAMESPACES)('a CONNECT of %j over 64 KiB gets an error and ends the connection, by', (path) => {
  const CASES = [
    ['a bad token', () => ({ token: 'x'.repeat(100_000) })],
    ['a good token and more', () => ({ token: anna.token, pad: 'x'.repeat(1.5 * MB) })],
  ] as const;
  it.each(CASES)('WebSocket: %s', async (_, auth) => {
    const raw = await RawSocket.open(app.url);
    raw.send(`40${path}${JSON.stringify(auth())}`);
    await raw.ended();
    expect(raw.frames.join()).toContain('64 KiB');
    expect(raw.frames.some((frame) => /^4(2|4)(\/|\["error")/.test(frame))).toBe(true);
  });

  it.each(CASES)('polling: %s', async (_, auth) => {
    const polling = await RawPolling.open(app.url);
    expect(await polling.post(`40${path}${JSON.stringify(auth())}`)).toBe(200);
    expect(await polling.poll()).toContain('64 KiB');
    // It ends with the next poll.
    await polling.poll();
    expect(await polling.post('3')).toBe(400);
  });
});

describe('handshakes', () => {
  it.each([
    ['an address', OPENING, () => '203.0.113.1', '203.0.113.2'],
    ['a /64 of IPv6', OPENING, (i: number) => `2001:db8:0:1::${i.toString(16)}`, '2001:db8:0:2::1'],
    ['a /56 of IPv6', 4 * OPENING, (i: number) => `2001:db8:1:${i.toString(16)}::1`, '2001:db8:1:100::1'],
  ])(
    'of %s are bounded; other addresses are admitted, and this one again after a disconnect',
    async (_, most, spoof, other) => {
      const before = sessions();
      const answers = await Promise.all(range(most + 3 * OPENING).map((i) => handshake(from(spoof(i)))));
      expect(statuses(answers).filter((status) => status === 200)).toHaveLength(most);
      const refusals = answers.filter(({ status }) => status !== 200);
      for (const { status, retryAfter, body } of refusals)
        expect([status, retryAfter, body.code, body.retry_after_ms]).toEqual([429, '2', 'RATE_LIMIT', 2000]);
      expect(await refused(app.url, 'connectionsOfAddress')).toBeGreaterThanOrEqual(3 * OPENING);
      for (const path of ['/socket.io/?EIO=4&transport=websocket', '/ws/chat'])
        expect(await upgraded(path, from(spoof(1)))).toBe(429);
      await deviceOf(anna, other);
      expect(sessions()).toBe(before + most + 1);
      hangUp();
      await deviceOf(anna, spoof(1));
    },
  );

  it('are not counted when they fail', async () => {
    const address = from('203.0.113.3');
    for (let i = 0; i < 3 * OPENING; i++)
      expect((await handshake({ ...address }, '&transport=smoke')).status).toBe(400);
    for (let i = 0; i < 3 * OPENING; i++) await fetch(`${app.url}/ws/chat`, { headers: { ...address } });
    expect((await handshake(address)).status).toBe(200);
  });

  it('of signed-in devices leave room for others of their address, up to its number of connections', async () => {
    const address = '203.0.113.4';
    for (let i = 0; i < PER_ADDRESS; i++) await deviceOf(anna, address);
    expect((await handshake(from(address))).status).toBe(429);
    expect((await handshake(from('203.0.113.5'))).status).toBe(200);
    hangUp();
    await gone(1);
    expect((await handshake(from(address))).status).toBe(200);
  });

  it('without a CONNECT end within seconds', async () => {
    const usual = server.connectTimeout();
    expect(usual).toBeLessThanOrEqual(10_000);
    server.connectTimeout(100);
    const raw = await RawSocket.open(app.url);
    const polling = await RawPolling.open(app.url);
    server.connectTimeout(usual);
    await raw.ended();
    await polling.poll();
    expect(await polling.post('3')).toBe(400);
  });

  it('keep no headers and query in memory', async () => {
    const pad = 'p'.repeat(3000);
    expect((await handshake({ ...from('203.0.113.6'), 'X-Pad': pad }, `&x=${pad}`)).status).toBe(200);
    const device = await deviceOf(anna, '203.0.113.6');
    const { handshake: kept } = server.of('/').sockets.get(device.socket.id!)!;
    expect(kept.headers).toEqual({});
    for (const { request: known } of Object.values(clientsOf(server)))
      expect(Object.keys(known).sort()).toEqual(['_query', 'connection', 'headers']);
    expect((await handshake({ 'X-Pad': 'p'.repeat(9000) })).status).toBe(431);
  });
});

describe('sockets of a user', () => {
  it('are bounded per session, and a new one is admitted after a disconnect', async () => {
    const address = (i: number) => `198.51.100.${i}`;
    const held: Device[] = [];
    for (const i of range(198)) held.push(await deviceOf(anna, address(i)));
    const assistant = await app.assistant();
    assistant.send('join_chat', { token: anna.token });
    await assistant.ask('create_chat', {}, 'chat_created');
    expect(await atOnce(3, () => open(anna, address(200)))).toEqual([1, 2]);
    const lookUp = jest.spyOn(app.app.get(Authenticator), 'connected');
    const late = open(anna, address(70));
    expect(await late.next('error')).toMatchObject({ code: 'RATE_LIMIT', retry_after_ms: 5000 });
    await late.disconnected();
    expect(lookUp).not.toHaveBeenCalled();
    const second = await app.assistant();
    expect(await second.ask('join_chat', { token: anna.token }, 'error')).toMatchObject({
      code: 'RATE_LIMIT',
      retryAfterMs: 5000,
    });
    expect(await refused(app.url, 'sockets')).toBe(4);
    // Another session still has room.
    const login = await app.request<{ access_token: string }>('POST', 'auth/login', undefined, {
      email: anna.email,
      password: 'correct horse battery',
    });
    await deviceOf({ ...anna, token: login.body.access_token }, address(71));
    // A token of the other session moves a socket to it.
    await held[0]!.send('auth:refresh', { token: login.body.access_token });
    await deviceOf(anna, address(72));
    held[1]!.close();
    assistant.close();
    for (const i of [73, 74])
      await until('room', async () => {
        const device = open(anna, address(i));
        await device.until(() => device.all('error')[0] ?? device.all('sync:required')[0]);
        return device.all('error').length === 0;
      });
  });

  it('share one event limit, also for events that wait', async () => {
    const devices = await Promise.all(range(9).map((i) => deviceOf(anna, `198.51.100.${i}`)));
    let enter!: () => void;
    const opening = new Promise<void>((resolve) => (enter = resolve));
    const join = jest.spyOn(app.app.get(JoinedChats), 'join').mockImplementation(async () => {
      await opening;
      return {};
    });
    const answers: { code?: string }[] = [];
    for (const { socket } of devices)
      for (let i = 0; i < 40; i++)
        socket.emit('chat:join', { chat_id: anna.id }, (answer: object) => answers.push(answer));
    const limited = () => answers.filter(({ code }) => code === 'RATE_LIMIT');
    await until('refused', () => limited().length >= 360 - EVENTS * 10);
    expect(answers).toHaveLength(limited().length);
    enter();
    await until('answered', () => answers.length === 360);
    join.mockRestore();
    expect(limited()).toHaveLength(360 - EVENTS * 10);
  });
});

it('a token that has expired by a clock that was set forward ends at the next event', async () => {
  const raw = await RawSocket.signedIn(app.url, anna);
  const now = Date.now();
  jest.spyOn(Date, 'now').mockImplementation(() => now + 3_600_000);
  raw.send('421["chat:join",{}]');
  await raw.ended();
  jest.restoreAllMocks();
  const answers = raw.frames.filter((frame) => frame.includes('token_expired'));
  expect(answers.map((frame) => frame.slice(0, 10))).toEqual(['431[{"stat', '42["error"']);
});

interface Session {
  close(discard: boolean): void;
  request: object;
  isDevice: boolean;
}
function clientsOf({ engine, sockets }: Server): Record<string, Session> {
  const { clients } = engine as unknown as { clients: Record<string, Session> };
  const devices = new Set<unknown>([...sockets.sockets.values()].map(({ conn }) => conn));
  for (const session of Object.values(clients)) session.isDevice = devices.has(session);
  return clients;
}
