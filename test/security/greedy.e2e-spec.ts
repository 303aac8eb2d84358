import { TestApp, type Account, type Device } from '#testing';
import WebSocket from 'ws';
import { AssistantEndpoint } from '../../apps/realtime/src/assistant/assistant-endpoint.js';
import { internalErrors, refused } from './counted.js';

let app: TestApp;
let honest: Account;
/** Goes on all the while. */
let bystander: Device;
const start = async (env: Record<string, string>) => {
  app = await TestApp.start(env);
  honest = await app.register('Анна');
  bystander = await app.device(honest);
};
afterAll(() => app.stop());
afterEach(async () => {
  await bystander.settled();
  expect(await internalErrors(app.url)).toBe(0);
});

describe('a user who goes on sending what is refused', () => {
  beforeAll(() => start({ SOCKET_EVENT_RATE: '6' }));

  /** On and on, until the server has had enough. */
  const flood = async (send: () => void, isOver: () => boolean) => {
    while (!isOver()) {
      for (let i = 0; i < 1000; i++) send();
      await new Promise(setImmediate);
    }
  };

  it('is cut off, on each socket', async () => {
    const greedy = await app.register('Глеб');
    const [device, another] = await app.devices(greedy, greedy);
    const emit = ({ socket }: Device) => socket.emit('chat:leave', { chat_id: greedy.id });
    for (const one of [device, another])
      await flood(
        () => emit(one),
        () => one.socket.disconnected,
      );
    expect(await refused(app.url, 'refusedEvents')).toBeGreaterThan(0);
  });

  it('is cut off at the assistant, with or without a sign-in', async () => {
    app.app.get(AssistantEndpoint).signInMs = 60_000;
    const greedy = await app.register('Глеб');
    for (const token of [greedy.token, undefined]) {
      const client = await app.assistant();
      if (token) client.send('join_chat', { token });
      await flood(
        () => client.socket.readyState === WebSocket.OPEN && client.send('stop'),
        () => client.dropped !== undefined,
      );
      expect(client.dropped).toBe(1006);
    }
  });

  it('is answered as long as it is a few thousands', async () => {
    const device = await app.device(await app.register('Глеб'));
    for (let i = 0; i < 3000; i++) device.socket.emit('chat:leave', { chat_id: honest.id });
    await device.until(() => device.all('error').length >= 2900 || undefined);
    expect(device.socket.connected).toBe(true);
  });
});
