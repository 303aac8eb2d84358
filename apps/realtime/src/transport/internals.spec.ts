import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server } from 'socket.io';
import { WebSocket, WebSocketServer } from 'ws';
import {
  clientOf,
  encodingOf,
  enteringOf,
  insideOf,
  sessionOf,
  sessionOfId,
  sessionsOf,
} from './internals.js';

const http = createServer();
const io = new Server(http);
let url: string;
beforeAll(async () => {
  await once(http.listen(0, '127.0.0.1'), 'listening');
  url = `127.0.0.1:${(http.address() as AddressInfo).port}`;
});
afterAll(() => io.close());

it('Engine.IO and Socket.IO have the members that we use, for a WebSocket', async () => {
  const connected = once(io, 'connection') as Promise<[{ client: object; conn: object }]>;
  const socket = new WebSocket(`ws://${url}/socket.io/?EIO=4&transport=websocket`);
  await once(socket, 'message');
  socket.send('40');
  const [device] = await connected;
  const session = sessionOf(device.conn);
  expect(sessionsOf(io.engine)).toEqual([session]);
  const { id } = session as unknown as { id: string };
  expect([id, 'nonsense', undefined].map((one) => sessionOfId(io.engine, one))).toEqual([
    session,
    undefined,
    undefined,
  ]);
  expect(session).toMatchObject({
    protocol: 4,
    upgrading: false,
    flush: expect.any(Function),
    close: expect.any(Function),
    writeBuffer: expect.any(Array),
    transport: { name: 'websocket', writable: expect.any(Boolean) },
  });
  expect(session.request).toHaveProperty('_query', expect.objectContaining({ EIO: '4' }));
  expect(session.transport.socket!._socket!.bytesWritten).toBeGreaterThan(0);
  const client = clientOf(device);
  expect(client.sockets.size).toBe(1);
  expect(enteringOf(io.of('/'))._add).toBeInstanceOf(Function);
  const options = {};
  const packets = encodingOf(io.of('/').adapter)._encode({ type: 2, nsp: '/', data: ['event', 1] }, options);
  expect(packets).toEqual(['2["event",1]']);
  expect(options).toHaveProperty('wsPreEncodedFrame');
  client.writeToEngine(packets, { ...options, preEncoded: true });
  // The answer to the CONNECT comes first.
  const received: string[] = [];
  socket.on('message', (data: Buffer) => received.push(String(data)));
  while (!received.includes('42["event",1]')) await once(socket, 'message');
  const gone = once(socket, 'close');
  session.close(true);
  await gone;
});

it('Engine.IO has the members that we use, for polling', async () => {
  const opened = once(io.engine, 'connection') as Promise<[object]>;
  await fetch(`http://${url}/socket.io/?EIO=4&transport=polling`);
  const session = sessionOf((await opened)[0]);
  expect(session.transport.closeTimeout).toBe(30_000);
  const { parser } = session.transport;
  expect(parser.decodePayload('3\x1e4x')).toEqual([{ type: 'pong' }, parser.decodePacket('4x')]);
  const gone = once(session, 'close');
  session.close();
  session.transport.shouldClose!();
  await gone;
});

it('ws has the members that we use', async () => {
  const server = new WebSocketServer({ port: 0 });
  expect(server.options).toHaveProperty('closeTimeout', 30_000);
  const accepted = once(server, 'connection') as Promise<[WebSocket]>;
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const { _receiver, _socket } = insideOf((await accepted)[0]);
  expect(_receiver).toMatchObject({ _buffers: [], _fragments: [], _state: 0, _opcode: 0, _fragmented: 0 });
  expect(_receiver).toMatchObject({
    _write: expect.any(Function),
    getInfo: expect.any(Function),
    createError: expect.any(Function),
  });
  expect(_socket).toHaveProperty('bytesRead');
  await once(client, 'open');
  client.terminate();
  server.close();
});
