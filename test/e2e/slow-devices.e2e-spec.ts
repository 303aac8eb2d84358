import { RealtimeEmitter } from '#platform';
import { TestApp } from '#testing';
import type { Socket as TcpSocket } from 'node:net';
import type { Server } from 'socket.io';

const MIB = 1024 * 1024;
/** More than may wait for a device and than the kernel's buffers on both ends hold. */
const SURELY_TOO_MUCH = 64 * MIB;

let app: TestApp;
beforeAll(async () => {
  app = await TestApp.start();
});
afterAll(() => app.stop());

/** Of either end: Engine.IO's names for it differ. */
const tcpOf = ({ transport }: { transport: object }) => {
  const { ws, socket } = transport as Record<'ws' | 'socket', { _socket: TcpSocket } | undefined>;
  return (ws ?? socket)!._socket;
};

it('a device that does not read is cut off when more than 4 MiB wait for it, and those who read hear on', async () => {
  const [anna, boris] = await app.people('Анна', 'Борис');
  const [hers, his] = await app.devices(anna, boris);
  const emitter = app.app.get(RealtimeEmitter);
  const { sockets } = (emitter as unknown as { server: Server }).server.of('/');
  const event = { chat_id: anna.id, user_id: anna.id, user_name: 'x'.repeat(MIB / 8), is_typing: true };
  const connection = tcpOf(sockets.get(hers.socket.id!)!.conn);
  tcpOf(hers.socket.io.engine).pause();
  let shown = 0;
  while (sockets.has(hers.socket.id!) && shown * event.user_name.length < SURELY_TOO_MUCH) {
    for (const { id } of [anna, boris]) emitter.toUser(id, 'chat:typing', event);
    shown += 1;
    await his.until(() => his.all('chat:typing').length === shown || undefined);
  }
  expect(sockets.has(hers.socket.id!)).toBe(false);
  expect(shown * event.user_name.length).toBeGreaterThan(4 * MIB);
  // Without waiting for the other end, which would not read that either.
  expect(connection.destroyed).toBe(true);
  await his.settled();
});
