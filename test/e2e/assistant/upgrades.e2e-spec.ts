import type { Account } from '#testing';
import { randomUUID } from 'node:crypto';
import { request, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { exchange, Scene } from './scene.js';

let scene: Scene;
let anna: Account;
beforeAll(async () => {
  scene = await Scene.start();
  anna = await scene.app.register('Анна');
});
afterAll(() => scene.stop());

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

  it('each path has its own upgrades, and any other path is refused', async () => {
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

  it('a request that is not a WebSocket is refused', async () => {
    expect((await fetch(`${scene.app.url}/ws/chat`)).status).toBeGreaterThanOrEqual(400);
  });

  it('a client that disconnects while its upgrade is refused does no harm', async () => {
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

  it('frames that break the protocol end only their own connection', async () => {
    const { client } = await scene.chat(anna);
    const other = await scene.chat();
    const { _socket } = client.socket as unknown as { _socket: { write(bytes: Buffer): void } };
    _socket.write(Buffer.from('ff8000000000', 'hex'));
    await client.disconnected();
    expect((await exchange(other.client, 'Вопрос')).status).toBe('complete');
  });
});
