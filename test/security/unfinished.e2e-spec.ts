import { Unfinished } from '#platform';
import { TestApp, text, until, type Account } from '#testing';
import { connect, type Server, type Socket } from 'node:net';
import WebSocket from 'ws';
import { held, internalErrors, refused } from './counted.js';
import { RawPolling, RawSocket } from './raw-client.js';

const MB = 1_000_000;
const OF_ADDRESS = 20;

const range = (length: number) => Array.from({ length }, (_, i) => i);
const from = (i: number) => ({ 'X-Forwarded-For': `203.0.113.${i}` });

let app: TestApp;
let anna: Account;
let honest: RawSocket;
let opened: Socket[] = [];
/** The server's ends. */
const ends = new Set<Socket>();
beforeAll(async () => {
  app = await TestApp.start({ TRUSTED_PROXIES: '1', CONNECTIONS_PER_ADDRESS: String(OF_ADDRESS) });
  (app.app.getHttpServer() as Server).on('connection', (end: Socket) => {
    ends.add(end);
    end.on('close', () => ends.delete(end));
  });
  anna = await app.register('Анна');
  honest = await RawSocket.signedIn(app.url, anna);
});
afterAll(() => app.stop());
afterEach(async () => {
  for (const socket of opened) socket.destroy();
  opened = [];
  expect(await honest.answers()).toEqual([]);
  await until('nothing is counted any more', () => counted() === 0);
  expect(await internalErrors(app.url)).toBe(0);
});

const counted = () => app.app.get<unknown, { bytes: number }>(Unfinished).bytes;

function tcp(): Socket {
  const { hostname, port } = new URL(app.url);
  const socket = connect(Number(port), hostname).on('error', () => {});
  opened.push(socket);
  return socket;
}
const tcpOf = (socket: WebSocket): Socket => {
  const { _socket } = socket as unknown as { _socket: Socket };
  opened.push(_socket);
  return _socket;
};
async function upgraded(i: number): Promise<Socket> {
  const raw = await RawSocket.open(app.url, from(i));
  return tcpOf(raw.socket);
}
async function assistant(i: number): Promise<Socket> {
  const socket = new WebSocket(`${app.url.replace('http', 'ws')}/ws/chat`, { headers: from(i) });
  socket.on('error', () => {});
  await new Promise((resolve) => socket.on('open', resolve));
  return tcpOf(socket);
}

/** The head of a frame, with a mask that changes nothing. */
function head(first: number, length: number): Buffer {
  const bytes = Buffer.alloc(14);
  bytes.writeUInt8(first, 0);
  bytes.writeUInt8(0xff, 1);
  bytes.writeBigUInt64BE(BigInt(length), 2);
  return bytes;
}
const [BEGUN, MORE, TEXT] = [0x01, 0x00, 0x81];
const fragments = (size: number, count: number) =>
  range(count).map((i) => Buffer.concat([head(i === 0 ? BEGUN : MORE, size), Buffer.alloc(size, ' ')]));
const post = (path: string, length: number) =>
  `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`;

const frame = Buffer.concat([head(TEXT, 2 * MB), Buffer.alloc(1.9 * MB, ' ')]);
const FLOODS: [what: string, connections: number, one: (i: number) => Promise<Socket>, bytes: Buffer][] = [
  ['a frame', 24, upgraded, frame],
  ['a frame to the assistant', 24, assistant, frame],
  ['a message in fragments', 24, upgraded, Buffer.concat(fragments(50_000, 38))],
  ['a body of polling', 24, polled, Buffer.alloc(1.9 * MB, '2')],
  ['a body', 640, bodied, Buffer.alloc(60_000, ' ')],
];
async function polled(i: number): Promise<Socket> {
  const { address } = await RawPolling.open(app.url, from(i));
  const socket = tcp();
  socket.write(post(address.slice(app.url.length), 2 * MB));
  return socket;
}
function bodied(i: number): Promise<Socket> {
  const socket = tcp();
  const request = post('/api/v2/auth/login', 60_001);
  socket.write(request.replace('Host: x', `Host: x\r\nX-Forwarded-For: 198.51.${i >> 8}.${i % 256}`));
  return Promise.resolve(socket);
}

it.each(FLOODS)(
  'many connections with a part of %s hold at most 32 MiB together',
  async (_, count, open, bytes) => {
    const [before, heldBefore] = [await refused(app.url, 'unfinished'), held()];
    const boris = await app.register('Борис');
    const chat = await app.chat(anna, boris);
    // Half of it arrives before the flood.
    const event = `4277["chat:message:send",${JSON.stringify(text(chat, 'x'.repeat(3000)))}]`;
    const message = Buffer.concat([head(TEXT, event.length), Buffer.from(event)]);
    const { _socket } = honest.socket as unknown as { _socket: Socket };
    const answered = honest.frames.length;
    _socket.write(message.subarray(0, 1000));
    await until('half of it has arrived', () => counted() > 0);
    for (const i of range(count)) (await open(i)).write(bytes);
    await until('connections are closed', async () => (await refused(app.url, 'unfinished')) > before);
    await until('all has arrived', () => [...ends].every((end) => end.readableLength === 0));
    expect(counted()).toBeLessThan(33 * MB + MB);
    // The memory of closed connections is freed gradually.
    await until('little is held', () => held() - heldBefore < 44 * MB);
    _socket.write(message.subarray(1000));
    expect(await honest.receives('4377[', answered)).toContain('"status":"sent"');
  },
);

it('requests that wait for their bodies delay nobody, and are limited to about 4,000', async () => {
  const before = await refused(app.url, 'unfinished');
  const login = post('/api/v2/auth/login', 100);
  for (const i of range(4400))
    tcp().write(login.replace('Host: x', `Host: x\r\nX-Forwarded-For: 198.${i >> 8}.51.${i % 256}`));
  await until('connections are closed', async () => (await refused(app.url, 'unfinished')) > before);
  expect((await app.request('GET', 'users/me', anna.token)).status).toBe(200);
  const { status } = await app.request('POST', 'posts', anna.token, { content: 'x' });
  expect(status).toBe(201);
});

describe('pipelined requests on one connection', () => {
  const get = (path: string) =>
    `GET ${path} HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 192.0.2.1\r\nAuthorization: Bearer ${anna.token}\r\n\r\n`;
  const send = (requests: string) => {
    const socket = tcp();
    let said = '';
    socket.on('data', (data: Buffer) => (said += data.toString()));
    socket.write(requests);
    return { socket, answers: () => said.match(/HTTP\/1\.1 \d+/g) ?? [] };
  };

  it('run one after the other; at most 16 wait, and more close the connection', async () => {
    const few = send(get('/api/v2/users/me').repeat(17));
    await until('answered', () => few.answers().length === 17);
    expect(new Set(few.answers())).toEqual(new Set(['HTTP/1.1 200']));
    const many = send(get('/api/v2/users/me').repeat(200));
    await until('closed', () => many.socket.destroyed);
    expect(many.answers()).toEqual([]);
    expect(await refused(app.url, 'requestsOfConnection')).toBeGreaterThan(0);
    expect((await app.request('GET', 'users/me', anna.token)).status).toBe(200);
  });

  it.each([
    ['one address', () => '192.0.2.2', OF_ADDRESS],
    ['a /64 of IPv6', (i: number) => `2001:db8::${i}`, OF_ADDRESS],
    ['a /56 of IPv6', (i: number) => `2001:db8:0:${i.toString(16)}::1`, 4 * OF_ADDRESS],
  ])('of %s are limited to its number of connections, while others are answered', async (_, spoof, most) => {
    const before = await refused(app.url, 'requestsOfAddress');
    const login = post('/api/v2/auth/login', 100);
    const waiting = range(most + 5).map((i) =>
      send(login.replace('Host: x', `Host: x\r\nX-Forwarded-For: ${spoof(i)}`)),
    );
    const answered = () => waiting.filter(({ answers }) => answers().length > 0);
    await until('refused', () => answered().length === 5);
    expect(new Set(answered().flatMap(({ answers }) => answers()))).toEqual(new Set(['HTTP/1.1 429']));
    expect(await refused(app.url, 'requestsOfAddress')).toBe(before + 5);
    expect((await app.request('GET', 'users/me', anna.token)).status).toBe(200);
    for (const { socket } of waiting) socket.destroy();
    const later = async () =>
      (await fetch(`${app.url}/health`, { headers: { 'X-Forwarded-For': spoof(0) } })).status;
    await until('room', async () => (await later()) === 200);
  });
});
