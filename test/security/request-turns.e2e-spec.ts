import { TestApp, until } from '#testing';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { refused } from './counted.js';
import { RawPolling } from './raw-client.js';

const POLL = '/socket.io/?EIO=4&transport=polling';

let app: TestApp;
let opened: Socket[] = [];
beforeAll(async () => (app = await TestApp.start({ TRUSTED_PROXIES: '1' })));
afterEach(() => {
  for (const socket of opened) socket.destroy();
  opened = [];
});
afterAll(() => app.stop());

const asked = (method: string, path: string, address: string) =>
  `${method} ${path} HTTP/1.1\r\nHost: x\r\nOrigin: https://app.example\r\nX-Forwarded-For: ${address}\r\n\r\n`;
/** A connection that the server has accepted. */
async function open(): Promise<Socket> {
  const { hostname, port } = new URL(app.url);
  const socket = connect({ port: Number(port), host: hostname });
  opened.push(socket);
  socket.on('error', () => {});
  socket.write(asked('GET', '/health/live', '203.0.113.1'));
  await once(socket, 'data');
  return socket;
}
it.each([
  ['requests of REST', 'GET', '/api/v2/users/me'],
  ['polls', 'GET', `${POLL}&sid=unknown`],
  ['posts of polling', 'POST', `${POLL}&sid=unknown`],
  ['handshakes', 'GET', POLL],
  ['preflights of polling', 'OPTIONS', POLL],
])('%s of one address on many connections do not delay another address', async (_, method, path) => {
  const flood = await Promise.all(Array.from({ length: 300 }, open));
  const honest = await open();
  const answered: Socket[] = [];
  for (const socket of [...flood, honest]) socket.once('data', () => answered.push(socket));
  for (const socket of flood) socket.write(asked(method, path, '203.0.113.1'));
  honest.write(asked('GET', '/health/live', '203.0.113.2'));
  await until('all answered', () => answered.length === flood.length + 1);
  expect(answered.indexOf(honest)).toBeLessThan(flood.length / 2);
});

it.each([
  ['requests of REST', '/api/v2/users/me'],
  ['polls', `${POLL}&sid=unknown`],
  ['invalid addresses', '/%'],
])('a connection with too many unanswered %s ends, and the rest of them is not parsed', async (_, path) => {
  const before = await refused(app.url, 'requestsOfConnection');
  const greedy = await open();
  let parsed = 0;
  const count = () => (parsed += 1);
  app.app.getHttpServer().on('request', count);
  greedy.resume().write(asked('GET', path, '203.0.113.1').repeat(300));
  await once(greedy, 'close');
  app.app.getHttpServer().off('request', count);
  expect(parsed).toBeLessThan(100);
  expect(await refused(app.url, 'requestsOfConnection')).toBe(before + 1);
});

it('a connection with few unanswered polls gets all answers', async () => {
  const socket = await open();
  socket.write(asked('GET', `${POLL}&sid=unknown`, '203.0.113.1').repeat(10));
  let text = '';
  socket.on('data', (data: Buffer) => (text += data.toString()));
  await until('all answered', () => text.split('Session ID unknown').length === 11);
});

it.each([
  ['without a host', 'GET / HTTP/1.1\r\n\r\n'],
  ['with an unknown expectation', 'GET / HTTP/1.1\r\nHost: x\r\nExpect: x\r\n\r\n'],
])('requests %s behind a poll do not wait in memory: their connection ends', async (_, refusedByNode) => {
  const before = await refused(app.url, 'requestsOfConnection');
  const { sid } = await RawPolling.open(app.url);
  const greedy = await open();
  greedy.resume().write(asked('GET', `${POLL}&sid=${sid}`, '203.0.113.1') + refusedByNode.repeat(300));
  await once(greedy, 'close');
  expect(await refused(app.url, 'requestsOfConnection')).toBe(before + 1);
});

it('a single request without a host is answered', async () => {
  const socket = await open();
  socket.write('GET / HTTP/1.1\r\n\r\n');
  const [answer] = (await once(socket, 'data')) as [Buffer];
  expect(answer.toString()).toContain('400 Bad Request');
});
