import { Config, Metrics, type Unfinished } from '#platform';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import WebSocket from 'ws';
import { Admission } from '../connections/admission.js';
import { BoundedSockets } from './reading.js';

const unfinished = { add: () => undefined, release: () => undefined } as unknown as Unfinished;
const admission = new Admission(new Config(), new Metrics());

const http = createServer();
beforeAll(async () => {
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
});
afterAll(() => {
  http.close();
  http.closeAllConnections();
});

it('answers no ping of a client with more than 64 KiB to read', async () => {
  const server = new BoundedSockets({ server: http }, unfinished, admission);
  const client = new WebSocket(`ws://127.0.0.1:${(http.address() as AddressInfo).port}`);
  const pongs: string[] = [];
  client.on('pong', (data) => pongs.push(data.toString()));
  const [[socket]] = (await Promise.all([once(server, 'connection'), once(client, 'open')])) as [
    [WebSocket],
    unknown,
  ];
  let unread = 0;
  Object.defineProperty(socket, 'bufferedAmount', { get: () => unread });
  for (unread of [64 * 1024, 64 * 1024 + 1, 0]) {
    client.ping(String(unread));
    await once(socket, 'ping');
  }
  while (pongs.at(-1) !== '0') await once(client, 'pong');
  client.terminate();
  expect(pongs).toEqual(['65536', '0']);
});

it('reads a flooding client in small pieces', async () => {
  const server = new BoundedSockets({ noServer: true }, unfinished, admission);
  let received = 0;
  const upgraded = createServer().on('upgrade', (request, socket, head) =>
    server.handleUpgrade(request, socket, head, (opened) => opened.on('message', () => (received += 1))),
  );
  upgraded.listen(0, '127.0.0.1');
  await once(upgraded, 'listening');
  const client = new WebSocket(`ws://127.0.0.1:${(upgraded.address() as AddressInfo).port}`);
  await once(client, 'open');
  // The rest waits in the kernel until the server reads on.
  for (let i = 0; i < 50; i++) client.send(Buffer.alloc(32 * 1024));
  const inTurns: number[] = [];
  while (received < 50) {
    const before = received;
    await new Promise(setImmediate);
    inTurns.push(received - before);
  }
  client.terminate();
  upgraded.close();
  expect(Math.max(...inTurns)).toBeLessThan(10);
});
