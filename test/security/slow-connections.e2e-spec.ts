import { TestApp, until, type Account } from '#testing';
import { connect, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { RawPolling, RawSocket } from './raw-client.js';

let app: TestApp;
let anna: Account;
/** The sockets with their ports, once they are connected. */
const sockets = new Map<Socket, number>();
/** The server's ends, by the port of the other end: a client that does not read does not notice the end. */
const ends = new Map<number, Socket>();
beforeAll(async () => {
  app = await TestApp.start();
  const server = app.app.getHttpServer() as Server;
  server.on('connection', (end: Socket) => ends.set(end.remotePort!, end));
  anna = await app.register('Анна');
});
afterAll(async () => {
  for (const socket of sockets.keys()) socket.destroy();
  await app.stop();
});

/** A connection that sends `first` and stays half open when the server ends it. */
function open(first: string): Socket {
  const { hostname, port } = new URL(app.url);
  const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: true });
  socket.on('error', () => {}).on('connect', () => sockets.set(socket, socket.localPort!));
  socket.write(first);
  return socket;
}

/** Then sends a byte per second. */
function dripping(first: string): Socket {
  const socket = open(first);
  const timer = setInterval(() => socket.write(' '), 1000);
  return socket.on('close', () => clearInterval(timer));
}

const post = (path: string, length: number | 'chunked') =>
  `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n` +
  (length === 'chunked' ? 'Transfer-Encoding: chunked\r\n\r\n' : `Content-Length: ${length}\r\n\r\n`);
const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;
const upgrade = (path: string) =>
  `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`;
const login = '/api/v2/auth/login';
/** More than the system's buffers between the two hold. */
const answers = get('/docs/swagger-ui-bundle.js').repeat(16);

/** Reads a little per second. */
function sipping(first: string): Socket {
  const socket = open(first).pause();
  const timer = setInterval(() => socket.read(1024), 1000);
  return socket.on('close', () => clearInterval(timer));
}

/** A device that reads nothing. */
async function silent(): Promise<Socket> {
  const { socket } = await RawSocket.signedIn(app.url, anna);
  const { _socket: tcp } = socket as unknown as { _socket: Socket };
  const devices = [...app.socketServer.of('/').sockets.values()];
  const [device] = devices;
  const { transport } = device!.conn;
  tcp.pause();
  // Until the system's buffers between the two are full.
  for (let stuck = 0; stuck < 10; await sleep(50))
    if (transport.writable) {
      stuck = 0;
      for (const each of devices) each.emit('x', 'x'.repeat(500_000));
    } else stuck += 1;
  sockets.set(tcp, tcp.localPort!);
  return tcp;
}

it('the server ends incomplete requests and unread answers, while others are answered', async () => {
  const polling = await RawPolling.open(app.url);
  const poll = polling.address.slice(app.url.length);
  const slow = {
    nothing: open(''),
    'half of the headers': open('GET /health HTTP/1.1\r\nHost: x\r\nX-A: '),
    'headers, a byte a second': dripping('GET /health HTTP/1.1\r\nHost: x\r\nX-A:'),
    'a part of a body': open(`${post(login, 100)}{`),
    'a body, a byte a second': dripping(`${post(login, 60_000)}{`),
    'a chunked body without end': open(`${post(login, 'chunked')}1\r\n{\r\n`),
    'a body that has been refused': open(`${post(login, 1_000_000)}{`),
    'a part of a second request': open(`${get('/health')}${post(login, 100)}{`),
    'a part of a poll': open(`${post(poll, 100)}4`),
    'an upgrade that is refused': open(upgrade('/nothing')).resume(),
    'an invalid upgrade': open(upgrade('/ws/chat')).resume(),
    'unread answers': open(answers).pause(),
    'answers, a little a second': sipping(answers),
    'unread events of a device': await silent(),
  };
  const isOpen = ([, socket]: [string, Socket]) => !ends.get(sockets.get(socket)!)?.destroyed;
  const stillOpen = () => Object.entries(slow).filter(isOpen);
  await until(
    'ended',
    async () => {
      expect((await app.request('GET', 'users/me', anna.token)).status).toBe(200);
      await sleep(500);
      return stillOpen().length === 0;
    },
    40_000,
  ).catch(() => expect(stillOpen().map(([what]) => what)).toEqual([]));
  const metrics = await (await fetch(`${app.url}/metrics`)).text();
  expect(Number(/^http_timeouts_total\{phase="answer"\} (\d+)/m.exec(metrics)?.[1])).toBe(2);
  expect(Number(/^http_timeouts_total\{phase="request"\} (\d+)/m.exec(metrics)?.[1])).toBeGreaterThan(6);
  expect(metrics).toMatch(/^websocket_cut_off_total 1$/m);
});
