import { PlainClient, TestApp, text, type Account, until } from '#testing';
import { Manager } from 'socket.io-client';
import { Connections } from '../../../apps/realtime/src/connections/connections.js';

const NAMESPACES = ['/', '/messenger', '/messenger-classic', '/chat-basic'];
const NEW_MESSAGE = ['chat:message:new', 'message', 'new-message', 'message:new'];

let app: TestApp;
let anna: Account;
let boris: Account;
let managers: Manager[];
beforeAll(async () => {
  app = await TestApp.start({ PRESENCE_GRACE_MS: '20' });
  [anna, boris] = await app.people('Анна', 'Борис');
});
afterAll(() => app.stop());
beforeEach(() => {
  managers = [];
});
afterEach(() => {
  for (const manager of managers) manager.engine.close();
});

function connection(): Manager {
  const manager = new Manager(app.url, { transports: ['websocket'], reconnection: false });
  managers.push(manager);
  return manager;
}

async function connected({ socket }: PlainClient): Promise<void> {
  if (!socket.connected) await new Promise<void>((resolve) => socket.once('connect', resolve));
}

it('a shared connection delivers everything once in each namespace, and its user is online until the last one closes', async () => {
  const [borisDevice] = await app.devices(boris);
  const manager = connection();
  const firstDevice = NAMESPACES.map((namespace) => PlainClient.on(manager, namespace, anna.token));
  await Promise.all(firstDevice.map(connected));
  const chat = await app.chat(boris, anna);
  await borisDevice.send('chat:message:send', text(chat, 'раз'));
  await borisDevice.send('chat:message:send', text(chat, 'два'));
  for (const [i, client] of firstDevice.entries()) {
    const event = NEW_MESSAGE[i]!;
    await client.until(() => client.all(event).length >= 2 || undefined);
    expect(client.all(event)).toHaveLength(2);
  }
  for (const client of firstDevice.slice(1)) client.close();
  await borisDevice.send('presence:get', { user_ids: [anna.id] });
  expect(borisDevice.all('user:offline')).toEqual([]);
  firstDevice[0]!.close();
  await borisDevice.next('user:offline', ({ user_id }) => user_id === anna.id);
});

it.each([
  ['/', '/chat-basic'],
  ['/messenger', '/'],
  ['/messenger', '/messenger-classic'],
])('a shared connection keeps %s connected beside a bad token on %s', async (good, bad) => {
  const manager = connection();
  const goesOn = PlainClient.on(manager, good, anna.token);
  await connected(goesOn);
  const refused = PlainClient.on(manager, bad, 'nonsense');
  await refused.next('error');
  await refused.disconnected();
  await goesOn.ask('users:list', {});
  expect(goesOn.socket.connected).toBe(true);
  goesOn.close();
});

it('a shared connection ends all devices of a signed-out session, and then the connection', async () => {
  const again = await app.request<{ access_token: string }>('POST', 'auth/login', undefined, {
    email: boris.email,
    password: 'correct horse battery',
  });
  const manager = connection();
  // A client that would leave the connection open.
  (manager as unknown as { _close(): void })._close = () => undefined;
  const ended = ['/', '/messenger'].map((namespace) =>
    PlainClient.on(manager, namespace, again.body.access_token),
  );
  const goesOn = PlainClient.on(manager, '/chat-basic', boris.token);
  await Promise.all([...ended, goesOn].map(connected));
  const gone = Promise.all(ended.map((client) => client.disconnected()));
  await app.request('POST', 'auth/logout', again.body.access_token);
  await gone;
  expect(await goesOn.ask('chat:join', {})).toEqual({ success: false, error: 'chatId must be a UUID' });
  const closed = new Promise<string>((resolve) => manager.engine.once('close', resolve));
  await app.request('POST', 'auth/logout', boris.token);
  await goesOn.next('error');
  await closed;
});

it('a shared connection keeps no timer for a client that was refused during its upgrade to WebSocket', async () => {
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  const before = timers();
  const clients = Array.from({ length: 20 }, () =>
    PlainClient.open(`${app.url}/chat-basic`, { auth: { token: 'nonsense' } }),
  );
  await Promise.all(clients.map((client) => client.disconnected()));
  await until('the timers have ended', () => timers() < before + 10, 5000);
});

it('a shared connection makes each device reconnect once after a possible loss, also while others wait to', async () => {
  const options = { reconnection: true, reconnectionDelay: 10, randomizationFactor: 0 };
  const clients = Array.from({ length: 100 }, () =>
    PlainClient.open(`${app.url}/messenger-classic`, { auth: { token: anna.token }, ...options }),
  );
  for (const client of clients) await client.next('connected');
  const connections = app.app.get(Connections);
  connections.resync();
  await (connections as unknown as { resyncing: Promise<void> }).resyncing;
  for (const client of clients)
    await client.until(() => client.all('connected').length > 1 || undefined, 'connected');
  expect(clients.filter((client) => client.all('connected').length > 2)).toEqual([]);
  for (const client of clients) client.close();
});
