import { Device, TestApp, type Account } from '#testing';

let app: TestApp;
let anna: Account;
let boris: Account;

beforeAll(async () => {
  app = await TestApp.start();
  [anna, boris] = [await app.register('Анна'), await app.register('Борис')];
});
afterAll(() => app.stop());

/** Writes a Socket.IO packet as it is, past what the client library would let through. */
const raw = (device: Device, packet: string) =>
  (device.socket.io.engine as unknown as { write(data: string): void }).write(packet);

/** The acknowledgement of a raw packet, by its id. */
const ackOf = (device: Device, id: number) =>
  new Promise<{ status: string; code: string }>((resolve) => {
    (device.socket as unknown as { acks: Record<number, (answer: never) => void> }).acks[id] = resolve;
  });

it.each(['connect', 'connect_error', 'disconnect', 'disconnecting', 'newListener', 'removeListener'])(
  'answers an event called %s, and the connection stays',
  async (name) => {
    const device = await app.device(anna);
    const answer = ackOf(device, 900);
    raw(device, `2900["${name}",{}]`);
    expect(await answer).toMatchObject({ status: 'error', code: 'INVALID_DATA' });
    expect(await device.send('presence:get', { user_ids: [anna.id] })).toMatchObject({ status: 'ok' });
  },
);

it.each([
  ['a space before the name', '[ "chat:join",'],
  ['an escape in the name', '["chat\\u003ajoin",'],
  ['a name without end', `["${'x'.repeat(200)}",`],
])('finds a payload over 64 KiB behind %s', async (_, head) => {
  const device = await app.device(anna);
  const answer = ackOf(device, 901);
  raw(device, `2901${head}{"chat_id":"${'y'.repeat(100_000)}"}]`);
  expect(await answer).toMatchObject({ status: 'error', code: 'MESSAGE_TOO_LARGE' });
});

it('handles no event of a session that was revoked before the socket was open', async () => {
  const chat = await app.chat(anna, boris);
  const guest = await app.register('Гость');
  const device = app.keep(Device.open(app.url, guest.token));
  const heard = device.next('error');
  await app.rows(`UPDATE sessions SET revoked_at = now() WHERE user_id = '${guest.id}'`);
  device.socket.emit('chat:message:send', { chat_id: chat.id, type: 'text', content: 'late' });
  expect(await heard).toMatchObject({ code: 'UNAUTHORIZED' });
  expect(await app.rows(`SELECT 1 FROM messages WHERE content = 'late'`)).toEqual([]);
});

it('counts refused sockets out again', async () => {
  const connections = async () =>
    Number(/^websocket_connections (\d+)/m.exec(await (await fetch(`${app.url}/metrics`)).text())![1]);
  const before = await connections();
  for (let i = 0; i < 5; i++) {
    const device = app.keep(Device.open(app.url, 'no token'));
    await device.next('error');
    await device.disconnected();
  }
  expect(await connections()).toBe(before);
});

it('lets a member who is removed while connecting hear nothing more', async () => {
  const clara = await app.register('Клара');
  const group = await app.chat(anna, boris, clara);
  for (let round = 0; round < 5; round++) {
    const devices = Array.from({ length: 4 }, () => app.keep(Device.open(app.url, boris.token)));
    await new Promise((resolve) => setTimeout(resolve, round * 5));
    const removed = await app.request('DELETE', `chats/${group.id}/members/${boris.id}`, anna.token);
    expect(removed.status).toBe(204);
    await Promise.all(devices.map((device) => device.next('sync:required')));
    const body = { type: 'text', content: `round ${round}` };
    await app.request('POST', `chats/${group.id}/messages`, anna.token, body);
    for (const device of devices) {
      await device.send('presence:get', { user_ids: [boris.id] });
      expect(device.all('chat:message:new').map(({ content }) => content)).not.toContain(body.content);
      device.close();
    }
    await app.request('POST', `chats/${group.id}/members`, anna.token, { user_ids: [boris.id] });
  }
});
