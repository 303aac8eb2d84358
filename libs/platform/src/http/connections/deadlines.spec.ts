import { once } from 'node:events';
import { createServer, IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { endEarlyAnswered } from './deadlines.js';

let server: Server;
/** The connection, as the server has it. */
let held: Socket;
let client: Socket;
let received: string;
/** Whether requests are answered before their bodies arrive. */
let isEarly: boolean;
let limits: { bytes: number; ms: number };

const answer = (response: ServerResponse) => response.writeHead(401).end('no');
beforeEach(async () => {
  isEarly = true;
  received = '';
  server = createServer((request: IncomingMessage, response) => {
    if (isEarly) setImmediate(() => answer(response));
    else request.resume().on('end', () => answer(response));
  });
  server.on('connection', (socket: Socket) => (held = socket));
  limits = { bytes: 1_000_000, ms: 60_000 };
  endEarlyAnswered(server, limits);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  client = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  client.on('error', () => {});
  client.on('data', (data) => (received += String(data)));
  await once(client, 'connect');
});
afterEach(() => {
  client.destroy();
  server.close();
  server.closeAllConnections();
});

const post = (head: string, body = '') =>
  client.write(`POST / HTTP/1.1\r\nHost: x\r\n${head}\r\n\r\n${body}`);
const ended = () => once(client, 'end');

it.each<[string, Partial<typeof limits>]>([
  ['time', { ms: 50 }],
  ['bytes', { bytes: 500 }],
])(
  'a connection whose body continues after its answer is read for a bounded %s, and not parsed',
  async (_, less) => {
    Object.assign(limits, less);
    const pieces = jest.spyOn(IncomingMessage.prototype, 'push');
    post('Transfer-Encoding: chunked');
    const closed = once(held, 'close');
    await ended();
    expect(received).toMatch(/^HTTP\/1.1 401 [^]*\r\nConnection: close\r\n[^]*no/);
    const sending = setInterval(() => client.write('1\r\nx\r\n'.repeat(10)), 1);
    await closed;
    clearInterval(sending);
    expect(pieces).not.toHaveBeenCalled();
    pieces.mockRestore();
  },
);

it('a client that sends its whole body before it reads gets an early answer', async () => {
  client.pause();
  post('Content-Length: 900000', 'x'.repeat(30_000));
  await once(held, 'finish');
  await new Promise((written) => client.write('x'.repeat(870_000), written));
  client.resume();
  await ended();
  expect(received).toContain('no');
});

it('a connection whose bodies arrive stays open', async () => {
  isEarly = false;
  for (let i = 1; i <= 3; i++) {
    post('Content-Length: 6', 'abc');
    client.write('def');
    while (received.split('HTTP/1.1 401').length <= i) await once(client, 'data');
  }
  expect(received).not.toContain('close');
  expect(held.destroyed).toBe(false);
});
