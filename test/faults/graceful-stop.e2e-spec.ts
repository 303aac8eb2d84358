import type { ChatDto } from '#contracts';
import {
  DatabaseSession,
  createTestDatabase,
  Device,
  Link,
  PlainClient,
  TestApp,
  text,
  until,
  type Account,
} from '#testing';

let url: string;
let drop: () => Promise<void>;
let direct: DatabaseSession;
let app: TestApp;
let people: Account[];
let chat: ChatDto;
beforeAll(async () => {
  ({ url, drop } = await createTestDatabase());
  direct = await DatabaseSession.at(url);
});
beforeEach(async () => {
  app = await TestApp.start({ DATABASE_URL: url });
  people = await app.people('Анна', 'Борис', 'Вера', 'Глеб');
  chat = await app.group(people[0]!, ...people.slice(1));
});
afterAll(async () => {
  await direct.end();
  await drop();
});

const close = () => app.app.close();
/** Node's own `once` would take the event `error` for a failure. */
const received = (device: Device, event: 'disconnect' | 'connect_error') =>
  new Promise<unknown>((resolve) => device.socket.once(event, resolve));
const phone = (account: Account, transport = 'websocket') =>
  Device.connect(app.url, account.token, { transports: [transport] });

it('REST answers until the end, and never wrongly', async () => {
  const answers: string[] = [];
  let refused = 0;
  const send = async (account: Account) => {
    for (let i = 0; refused < 5; i++) {
      const client_id = `${account.id}-${i}`;
      const body = { type: 'text', content: 'x', client_id };
      await app.request<{ status: string }>('POST', `chats/${chat.id}/messages`, account.token, body).then(
        (reply) => answers.push(`${reply.status} ${reply.body.code ?? reply.body.status}`),
        () => (refused += 1),
      );
    }
  };
  const sending = people.map(send);
  await until('20 answers', () => answers.length > 20);
  await close();
  await Promise.all(sending);
  expect(new Set(answers)).toEqual(new Set(['201 sent']));
  const { rows } = await direct.query('SELECT FROM messages WHERE chat_id = $1', [chat.id]);
  expect(rows.length).toBeGreaterThanOrEqual(answers.length);
  expect(rows.length).toBeLessThanOrEqual(answers.length + refused);
});

it.each(['websocket', 'polling'])(
  'received events are still answered, and no new ones are accepted: %s',
  async (transport) => {
    const device = await phone(people[0]!, transport);
    await direct.query('BEGIN');
    await direct.query('SELECT FROM chats WHERE id = $1 FOR UPDATE', [chat.id]);
    const order: string[] = [];
    const inFlight = device.send('chat:message:send', text(chat, 'received before'));
    void inFlight.then(() => order.push('acknowledged'));
    await direct.somebodyWaits();
    const ended = received(device, 'disconnect').then((reason) => order.push(String(reason)));
    const closed = close();
    const refusal = await device.next('error', ({ code }) => code === 'UNAVAILABLE');
    expect(refusal.retry_after_ms).toEqual(expect.any(Number));
    const late = await device.send('chat:message:send', text(chat, 'too late'));
    expect(late).toMatchObject({ status: 'error', code: 'UNAVAILABLE', retry_after_ms: expect.any(Number) });
    expect((await app.request('GET', '/health/ready')).body.code).toBe('UNAVAILABLE');
    expect((await app.request('GET', '/health/live')).status).toBe(200);
    const newcomer = Device.open(app.url, people[1]!.token, { transports: [transport] });
    await received(newcomer, 'connect_error');
    newcomer.close();
    expect(order).toEqual([]);
    await direct.query('ROLLBACK');
    expect((await inFlight).status).toBe('sent');
    await ended;
    expect(order).toEqual(['acknowledged', 'transport close']);
    // It will reconnect by itself.
    expect(device.socket.active).toBe(true);
    device.close();
    await closed;
    const { rows } = await direct.query('SELECT content FROM messages WHERE chat_id = $1', [chat.id]);
    expect(rows).toEqual([{ content: 'received before' }]);
    expect(device.violations).toEqual([]);
  },
);

it('messenger clients, which reconnect by themselves, return to a server that is down at first', async () => {
  const link = await Link.to(app.url);
  const auth = { token: `Bearer ${people[0]!.token}` };
  const client = PlainClient.open(`${link.url}messenger`, {
    auth,
    transports: ['websocket'],
    reconnectionDelay: 300,
    reconnectionDelayMax: 600,
  });
  client.socket.on('disconnect', (reason) => {
    if (reason === 'io server disconnect' || reason === 'transport close') client.socket.connect();
  });
  await client.next('connection:established');
  const failed = new Promise((resolve) => client.socket.once('connect_error', resolve));
  await close();
  await failed;
  app = await TestApp.start({ DATABASE_URL: url });
  link.leadTo(app.url);
  await client.until(() => client.all('connection:established').length === 2);
  client.close();
  link.close();
  await app.stop();
});

it('a message sent just before is stored as delivered, and connected users as seen', async () => {
  const [firstDevice, secondDevice] = [await phone(people[0]!), await phone(people[1]!)];
  const before = new Date();
  const { message_id } = await firstDevice.send('chat:message:send', text(chat));
  await secondDevice.next('chat:message:new', ({ id }) => id === message_id);
  await close();
  const { rows } = await direct.query(
    `SELECT last_delivered_seq, last_seen_at >= $3 AS seen FROM chat_members JOIN users ON users.id = user_id
     WHERE chat_id = $1 AND user_id = $2`,
    [chat.id, people[1]!.id, before],
  );
  expect(rows).toEqual([{ last_delivered_seq: 1, seen: true }]);
});

it('a stalled database: connected devices are notified and disconnected', async () => {
  const device = await phone(people[0]!);
  await direct.query('BEGIN');
  await direct.query('SELECT FROM chats WHERE id = $1 FOR UPDATE', [chat.id]);
  const unanswered = device.send('chat:message:send', text(chat)).catch(() => undefined);
  await direct.somebodyWaits();
  const [ended] = await Promise.all([received(device, 'disconnect'), device.next('error'), close()]);
  expect(ended).toBe('transport close');
  device.close();
  await direct.query('ROLLBACK');
  await unanswered;
});

it('a client that polls once and never again does not delay the stop', async () => {
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  await close();
  const before = timers();
  app = await TestApp.start({ DATABASE_URL: url });
  await fetch(`${app.url}/socket.io/?EIO=4&transport=polling`);
  await close();
  await until('no timer left', () => timers() <= before);
});
