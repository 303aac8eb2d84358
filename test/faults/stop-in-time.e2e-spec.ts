import { ProcessCluster, text } from '#testing';
import { connect, type Socket as TcpSocket } from 'node:net';

const LONG = 'Я'.repeat(4000);
const ROUNDS = 20;
const AT_ONCE = 20;

let cluster: ProcessCluster;
beforeEach(async () => {
  cluster = await ProcessCluster.alone();
});
afterEach(() => cluster.stop());

/** A process ends itself with exit code 1 when its stop takes too long. */
const expectToStop = async () => {
  const [program] = cluster.processes;
  await program!.signal('SIGTERM');
  expect(program!.ended).toBe(0);
};

it('a device that does not read does not delay it', async () => {
  const [anna, boris] = await cluster.people('Анна', 'Борис');
  const { url } = cluster.realtime[0]!;
  const chat = await cluster.group(anna, boris);
  const annaDevice = await cluster.device(anna, url);
  const borisDevice = await cluster.device(boris, url);
  const { ws } = annaDevice.socket.io.engine.transport as unknown as { ws: { _socket: TcpSocket } };
  ws._socket.pause();
  for (let i = 0; i < ROUNDS; i++)
    await Promise.all(
      Array.from({ length: AT_ONCE }, () => borisDevice.send('chat:message:send', text(chat, LONG))),
    );
  const ended = new Promise((resolve) => borisDevice.socket.once('disconnect', resolve));
  await expectToStop();
  expect(await ended).toBe('transport close');
});

it('hanging requests do not delay it: an unread poll, half a packet, half a body', async () => {
  const { url } = cluster.api[0]!;
  const { host, port } = new URL(url);
  const open = await (await fetch(`${url}/socket.io/?EIO=4&transport=polling`)).text();
  const { sid } = JSON.parse(open.slice(1)) as { sid: string };
  const session = `/socket.io/?EIO=4&transport=polling&sid=${sid}`;
  const halves = [
    `GET ${session} HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
    `POST ${session} HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 100\r\n\r\n4`,
    `POST /api/v2/auth/login HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{`,
    `GET /`,
  ];
  const hanging = await Promise.all(
    halves.map(
      (half) =>
        new Promise<TcpSocket>((resolve) => {
          const socket = connect(Number(port), '127.0.0.1', () => socket.write(half, () => resolve(socket)));
          socket.on('error', () => undefined);
        }),
    ),
  );
  // They have all arrived by the time that another request is answered.
  await fetch(`${url}/health/live`);
  await expectToStop();
  for (const socket of hanging) socket.destroy();
});
