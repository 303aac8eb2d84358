import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { boundIdle } from './idle-connections.js';

let server: Server;
let ended: number;
let answers: ServerResponse[];
let clients: Socket[];
beforeEach(async () => {
  [ended, answers, clients] = [0, [], []];
  server = createServer((_, answer) => answers.push(answer));
  server.on('upgrade', () => undefined);
  boundIdle(server, () => ended++, 3);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(() => {
  for (const client of clients) client.destroy();
  server.close();
});

async function open(localAddress = '127.0.0.1'): Promise<Socket> {
  const there = once(server, 'connection');
  const { port } = server.address() as AddressInfo;
  const client = connect({ port, host: '127.0.0.1', localAddress });
  clients.push(client);
  await there;
  return client;
}
async function ask(client: Socket, headers = ''): Promise<void> {
  const there = once(server, headers ? 'upgrade' : 'request');
  client.write(`GET / HTTP/1.1\r\nHost: x\r\n${headers}\r\n`);
  await there;
}
/** Whether each of them is open, in the order of their opening. */
const areOpen = async () => {
  await new Promise((resolve) => server.getConnections(resolve));
  for (let i = 0; i < 20; i++) await new Promise(setImmediate);
  return clients.map((client) => !client.readableEnded && !client.destroyed);
};
const opened = async (count: number) => {
  for (let i = 0; i < count; i++) (await open()).resume();
};

it('closes the connections with the longest time since a request first', async () => {
  await opened(5);
  expect(await areOpen()).toEqual([false, false, true, true, true]);
  expect(ended).toBe(2);
});

it('closes connections of the network that has more than others', async () => {
  (await open('127.0.0.2')).resume();
  await opened(5);
  expect(await areOpen()).toEqual([true, false, false, false, true, true]);
  (await open('127.0.0.3')).resume();
  expect(await areOpen()).toEqual([false, false, false, false, true, true, true]);
});

it('closes none with a running request, and counts it again after the answer', async () => {
  await opened(3);
  await ask(clients[0]!);
  await ask(clients[0]!);
  await opened(2);
  expect(await areOpen()).toEqual([true, false, true, true, true]);
  answers[0]!.end();
  await once(clients[0]!, 'data');
  expect(await areOpen()).toEqual([true, false, true, true, true]);
  answers[1]!.end();
  await once(clients[0]!, 'data');
  expect(await areOpen()).toEqual([true, false, false, true, true]);
});

it('ignores upgraded connections, and frees the places of closed ones', async () => {
  await opened(2);
  await ask(clients[0]!, 'Connection: Upgrade\r\nUpgrade: x\r\n');
  clients[1]!.destroy();
  await areOpen();
  await opened(3);
  expect(await areOpen()).toEqual([true, false, true, true, true]);
  expect(ended).toBe(0);
});
