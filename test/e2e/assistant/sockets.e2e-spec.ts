import type { Account, AssistantClient } from '#testing';
import jwt from 'jsonwebtoken';
import { randomUUID } from 'node:crypto';
import { request, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import WebSocket from 'ws';
import { AssistantEndpoint } from '../../../apps/realtime/src/assistant/assistant-endpoint.js';
import { begin, byHand, exchange, heardTokens, Scene } from './scene.js';

let scene: Scene;
let anna: Account;
beforeAll(async () => (scene = await Scene.start({ ASSISTANT_TIMEOUT_MS: '5000' })));
afterAll(() => scene.stop());
beforeEach(async () => (anna = await scene.app.register('Анна')));

const INVALID = { message: 'Invalid authentication token' };

describe('signing out', () => {
  it('ends the session’s devices at once, and no other’s', async () => {
    const { client, chatId } = await scene.chat(anna);
    const tokens = byHand();
    scene.model.answerWith({ tokens });
    const messageId = await begin(client, 'Вопрос');
    const other = await scene.chat();
    const login = await scene.app.request<{ access_token: string }>('POST', 'auth/login', undefined, {
      email: anna.email,
      password: 'correct horse battery',
    });
    const session = { ...anna, token: login.body.access_token };
    const { client: tablet } = await scene.join({ account: session, chatId });
    const since = performance.now();
    await scene.app.request('POST', 'auth/logout', anna.token);
    await client.disconnected();
    expect(performance.now() - since).toBeLessThan(1000);
    tokens.write('дальше');
    await heardTokens(tablet, messageId, 1);
    tokens.end();
    await tablet.next('assistant_message_complete');
    expect(client.tokens(messageId)).toEqual([]);
    expect((await exchange(other.client, 'Вопрос')).status).toBe('complete');
    const again = await scene.app.assistant();
    expect(await again.ask('join_chat', { token: anna.token }, 'error')).toMatchObject(INVALID);
  });

  it('of which this node was not told is seen at the next frame', async () => {
    const { client } = await scene.chat(anna);
    await scene.app.rows('UPDATE sessions SET revoked_at = now() WHERE user_id = $1', [anna.id]);
    expect(await client.ask('message', { message: 'late' }, 'error')).toMatchObject(INVALID);
    expect(await scene.app.rows(`SELECT 1 FROM assistant_messages WHERE content = 'late'`)).toEqual([]);
  });
});

it('a token that expires ends what is heard; with a new one it goes on', async () => {
  const claims = jwt.decode(anna.token) as jwt.JwtPayload;
  const short = jwt.sign(
    { ...claims, jti: randomUUID(), exp: Math.floor(Date.now() / 1000) + 2 },
    'test-secret-test-secret-test-secret',
  );
  const { client, chatId } = await scene.chat({ ...anna, token: short });
  const tokens = byHand();
  scene.model.answerWith({ tokens });
  const messageId = await begin(client, 'Вопрос');
  tokens.write('раз');
  await heardTokens(client, messageId, 1);
  await sleep(2200);
  tokens.write('два');
  expect(await client.ask('message', { message: 'late' }, 'error')).toBeDefined();
  expect(client.all('error')[0]).toMatchObject(INVALID);
  expect(client.tokens(messageId)).toEqual(['раз']);
  expect(await client.ask('join_chat', { token: short, chatId }, 'error')).toMatchObject(INVALID);
  client.send('join_chat', { token: anna.token, chatId, resume: { messageId, index: 0 } });
  await heardTokens(client, messageId, 2);
  tokens.end();
  await client.next('assistant_message_complete');
  expect(client.tokens(messageId)).toEqual(['раз', 'два']);
});

describe('heartbeat', () => {
  const HEARTBEAT = 150;

  it('a client that never answers is dropped; one that is only silent stays', async () => {
    const endpoint = scene.app.app.get(AssistantEndpoint);
    expect(endpoint.heartbeatMs).toBe(25_000);
    const quick = await Scene.start();
    quick.app.app.get(AssistantEndpoint).heartbeatMs = HEARTBEAT;
    // The beat that is already waiting was set up with the old interval.
    quick.app.app.get(AssistantEndpoint)['beat']();
    const silent = await quick.app.assistant();
    const dead = await quick.app.assistant({ autoPong: false });
    const since = performance.now();
    await dead.disconnected();
    expect(performance.now() - since).toBeLessThan(2 * HEARTBEAT + 500);
    await sleep(6 * HEARTBEAT);
    expect(silent.dropped).toBeUndefined();
    await silent.settled();
    await quick.stop();
  });
});

describe('beside Socket.IO on one port', () => {
  const upgrade = (path: string, headers: Record<string, string> = {}) =>
    new Promise<number>((resolve, reject) => {
      const asked = request(scene.app.url + path, {
        headers: {
          connection: 'Upgrade',
          upgrade: 'websocket',
          'sec-websocket-version': '13',
          'sec-websocket-key': Buffer.from(randomUUID().slice(0, 16)).toString('base64'),
          ...headers,
        },
        timeout: 3000,
      });
      asked.on('response', ({ statusCode }: IncomingMessage) => resolve(statusCode!));
      asked.on('upgrade', ({ statusCode }: IncomingMessage, socket) => {
        socket.destroy();
        resolve(statusCode!);
      });
      asked.on('timeout', () => asked.destroy(new Error('left hanging')));
      asked.on('error', reject);
      asked.end();
    });

  it('each has its own upgrades, and any other is refused', async () => {
    expect(await upgrade('/ws/chat')).toBe(101);
    expect(await upgrade('/ws/chat?x=1')).toBe(101);
    expect(await upgrade('/socket.io/?EIO=4&transport=websocket')).toBe(101);
    for (const path of [
      '/',
      '/ws',
      '/ws/chatter',
      '/ws/chat/more',
      '/WS/CHAT',
      '/nothing',
      '//[',
      '/%ff',
      '/socket.iox',
    ])
      expect([path, await upgrade(path)]).toEqual([path, 404]);
    expect(await upgrade('/ws/chat', { 'sec-websocket-version': '1' })).toBeGreaterThanOrEqual(400);
    const device = await scene.app.device(anna);
    await device.settled();
    const { client } = await scene.chat(anna);
    expect((await exchange(client, 'Вопрос')).status).toBe('complete');
    await device.settled();
  });

  it('who is no WebSocket is told so', async () => {
    expect((await fetch(`${scene.app.url}/ws/chat`)).status).toBeGreaterThanOrEqual(400);
  });

  it('a client that breaks off while its upgrade is refused does no harm', async () => {
    const { port } = new URL(scene.app.url);
    for (let i = 0; i < 20; i++) {
      const socket = connect(Number(port), '127.0.0.1');
      socket.on('error', () => {});
      const head = 'Host: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
      socket.write(`GET /nothing HTTP/1.1\r\n${head}`, () => socket.resetAndDestroy());
      const broken = connect(Number(port), '127.0.0.1');
      broken.on('error', () => {});
      broken.write(`GET /ws/chat HTTP/1.1\r\n${head}`, () => broken.resetAndDestroy());
    }
    await sleep(100);
    expect((await fetch(`${scene.app.url}/health/live`)).status).toBe(200);
  });

  it('frames that break the protocol end that connection only', async () => {
    const { client } = await scene.chat(anna);
    const other = await scene.chat();
    const { _socket } = client.socket as unknown as { _socket: { write(bytes: Buffer): void } };
    _socket.write(Buffer.from('ff8000000000', 'hex'));
    await client.disconnected();
    expect((await exchange(other.client, 'Вопрос')).status).toBe('complete');
  });

  it('only the origins named may open it from a browser', async () => {
    const strict = await Scene.start({ CORS_ORIGINS: 'https://a.example' });
    const open = (origin: string) =>
      new Promise<string>((resolve) => {
        const socket = new WebSocket(`${strict.app.url.replace('http', 'ws')}/ws/chat`, { origin });
        socket.on('open', () => resolve('open'));
        socket.on('error', ({ message }) => resolve(message));
      });
    expect(await open('https://a.example')).toBe('open');
    for (const origin of [
      'https://b.example',
      'https://a.exampl',
      'a.example',
      'https://a.example.b.example',
    ])
      expect(await open(origin)).toContain('403');
    await strict.stop();
  });
});

it('connections are counted, and counted out again', async () => {
  const connections = async () =>
    Number(/^websocket_connections (\d+)/m.exec(await (await fetch(`${scene.app.url}/metrics`)).text())![1]);
  const before = await connections();
  const clients: AssistantClient[] = [];
  for (let i = 0; i < 5; i++) clients.push(await scene.app.assistant());
  expect(await connections()).toBe(before + 5);
  for (const client of clients) client.close();
  for (let i = 0; i < 100 && (await connections()) !== before; i++) await sleep(20);
  expect(await connections()).toBe(before);
});

it('a device that reads nothing does not fill the memory, and holds nobody up', async () => {
  const { client, chatId } = await scene.chat(anna);
  const { client: tablet } = await scene.join({ account: anna, chatId });
  tablet.socket.pause();
  const token = 'слово '.repeat(100);
  scene.model.answerWith({ tokens: Array.from({ length: 80 }, () => token) });
  expect((await exchange(client, 'Много')).content).toHaveLength(80 * token.length);
  tablet.socket.resume();
});
