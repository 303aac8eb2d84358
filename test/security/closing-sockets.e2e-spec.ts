import { TestApp, until, type Account } from '#testing';
import type { Socket } from 'node:net';
import WebSocket from 'ws';
import { RawPolling, RawSocket } from './raw-client.js';

const PER_ADDRESS = 50;
const OPENING = PER_ADDRESS / 5;
const SOCKET_IO = '/socket.io/?EIO=4&transport=';

const range = (length: number) => Array.from({ length }, (_, i) => i);

let app: TestApp;
let anna: Account;
/** The settings of the WebSockets of Socket.IO. */
let settings: { closeTimeout: number };
let usual: number;
/** The server's ends. */
const ends = new Set<Socket>();
let opened: WebSocket[] = [];
/** Each test has an address of its own. */
let address = 0;
beforeAll(async () => {
  app = await TestApp.start({ TRUSTED_PROXIES: '1', CONNECTIONS_PER_ADDRESS: String(PER_ADDRESS) });
  app.app.getHttpServer().on('upgrade', ({ socket }: { socket: Socket }) => {
    ends.add(socket);
    socket.on('close', () => ends.delete(socket));
  });
  anna = await app.register('Анна');
  settings = (app.socketServer.engine as unknown as { ws: { options: typeof settings } }).ws.options;
  usual = settings.closeTimeout;
});
beforeEach(() => {
  address += 1;
  // Closing connections stay as long as a test needs them.
  settings.closeTimeout = 3_600_000;
});
afterEach(async () => {
  for (const socket of opened) socket.terminate();
  opened = [];
  for (const session of Object.values(sessions())) session.close(true);
  await Promise.all([closed(), noSession()]);
});
afterAll(() => app.stop());

const closed = () => until('closed', () => ends.size === 0);
const headers = () => ({ 'X-Forwarded-For': `203.0.113.${address}` });

/** @returns the status of the answer, 101 for an open WebSocket */
function upgrade(path: string): Promise<[number, WebSocket]> {
  const socket = new WebSocket(app.url.replace('http', 'ws') + path, { headers: headers() });
  opened.push(socket);
  return new Promise((resolve) => {
    socket.on('error', () => {});
    socket.on('open', () => resolve([101, socket]));
    socket.on('unexpected-response', (_, { statusCode }) => resolve([statusCode!, socket]));
  });
}
/** A client that reads no more answers no close. */
async function unanswered(path: string, frame: string): Promise<number> {
  const [status, socket] = await upgrade(path);
  if (status !== 101) return status;
  socket.send(frame);
  socket.pause();
  return status;
}
const toSession = ({ sid }: RawPolling) => `${SOCKET_IO}websocket&sid=${sid}`;
const pollingStatus = async () =>
  (await fetch(`${app.url}${SOCKET_IO}polling`, { headers: headers() })).status;
/** The session upgrades to a WebSocket, as Socket.IO's clients do it. */
async function upgradedOf(session: RawPolling): Promise<WebSocket> {
  const [, socket] = await upgrade(toSession(session));
  const probed = new Promise((resolve) => socket.once('message', resolve));
  socket.send('2probe');
  await probed;
  socket.send('5');
  await until('upgraded', () => sessions()[session.sid]!.transport.name === 'websocket');
  return socket;
}

interface Session {
  transport: { name: string };
  upgrading: boolean;
  close(discard: boolean): void;
}
const sessions = () => (app.socketServer.engine as unknown as { clients: Record<string, Session> }).clients;
const noSession = () => until('no session is left', () => Object.keys(sessions()).length === 0);

describe('a WebSocket counts until its TCP connection has closed', () => {
  it.each([
    ['a CONNECT without a valid token', '40{"token":"x"}'],
    ['a packet that ends its session', 'x'],
  ])('after %s', async (_, frame) => {
    const all = range(OPENING + 5).map(() => unanswered(`${SOCKET_IO}websocket`, frame));
    const statuses = await Promise.all(all);
    expect(statuses.filter((status) => status === 101)).toHaveLength(OPENING);
    await noSession();
    expect(await pollingStatus()).toBe(429);
    for (const socket of opened) socket.terminate();
    await closed();
    expect(await pollingStatus()).toBe(200);
  });

  it('after a session has not accepted it', async () => {
    const session = await RawPolling.open(app.url, headers());
    const statuses: number[] = [];
    for (let i = 0; i < OPENING + 5; i++) {
      const status = await unanswered(toSession(session), 'no probe');
      statuses.push(status);
      if (status === 101) await until('refused', () => !sessions()[session.sid]!.upgrading);
    }
    expect(statuses.filter((status) => status === 101)).toHaveLength(OPENING - 1);
    expect(statuses.filter((status) => status === 429)).toHaveLength(6);
  });
});

it('a WebSocket that the client does not close ends within a second or so', async () => {
  expect(usual).toBeLessThanOrEqual(1000);
  settings.closeTimeout = 100;
  expect(await unanswered(`${SOCKET_IO}websocket`, '40{"token":"x"}')).toBe(101);
  await closed();
});

describe('an upgrade is refused and closed', () => {
  it('without the transport websocket', async () => {
    expect((await upgrade(`${SOCKET_IO}polling`))[0]).toBe(400);
    const session = await RawPolling.open(app.url, headers());
    expect((await upgrade(`${SOCKET_IO}polling&sid=${session.sid}`))[0]).toBe(400);
    await closed();
  });

  it('of a session that is upgrading, or has upgraded, or was opened by a WebSocket', async () => {
    const session = await RawPolling.open(app.url, headers());
    const [status, socket] = await upgrade(toSession(session));
    expect([status, (await upgrade(toSession(session)))[0]]).toEqual([101, 409]);
    socket.close();
    await closed();
    await upgradedOf(session);
    expect((await upgrade(toSession(session)))[0]).toBe(409);
    const { socket: direct, frames } = await RawSocket.open(app.url, headers());
    opened.push(direct);
    const { sid } = JSON.parse(frames[0]!.slice(1)) as { sid: string };
    expect((await upgrade(`${SOCKET_IO}websocket&sid=${sid}`))[0]).toBe(409);
    expect(ends.size).toBe(2);
  });
});

it('a session that has upgraded counts once, and stays signed in', async () => {
  for (let i = 0; i < OPENING - 2; i++) await upgradedOf(await RawPolling.open(app.url, headers()));
  const session = await RawPolling.open(app.url, headers());
  await session.post(`40${JSON.stringify({ token: anna.token })}`);
  while (!(await session.poll()).includes('sync:required'));
  await upgradedOf(session);
  const statuses = await Promise.all(range(3).map(pollingStatus));
  expect(statuses.filter((status) => status === 200)).toHaveLength(2);
});
