import { Conversations } from '#assistant';
import { Metrics, PgPool } from '#platform';
import { EventPublisher, NodeRegistry } from '#realtime';
import { TestApp, until, type Account } from '#testing';
import { once } from 'node:events';
import { connect } from 'node:net';
import WebSocket from 'ws';
import { AssistantEndpoint } from '../../apps/realtime/src/assistant/assistant-endpoint.js';
import { AssistantSignIn } from '../../apps/realtime/src/assistant/assistant-sign-in.js';
import { held, internalErrors } from './counted.js';

const MB = 1024 * 1024;
const PER_ADDRESS = 50;
const OPENING = PER_ADDRESS / 5;
const EVENTS = 20;

const range = (length: number) => Array.from({ length }, (_, i) => i);

let app: TestApp;
let anna: Account;
beforeAll(async () => {
  app = await TestApp.start({
    TRUSTED_PROXIES: '1',
    CONNECTIONS_PER_ADDRESS: String(PER_ADDRESS),
    SOCKET_EVENT_RATE: String(EVENTS),
    READ_RATE: '60',
  });
});
afterAll(() => app.stop());
beforeEach(async () => (anna = await app.register('Анна')));
afterEach(async () => {
  jest.restoreAllMocks();
  expect(await internalErrors(app.url)).toBe(0);
});

const from = (address: string) => ({ headers: { 'X-Forwarded-For': address } });
/** A socket, or undefined when it is refused. */
async function opened(address: string): Promise<WebSocket | undefined> {
  const socket = new WebSocket(`${app.url.replace('http', 'ws')}/ws/chat`, from(address));
  const isOpen = await new Promise((resolve) => {
    socket.on('open', () => resolve(true)).on('close', () => resolve(false));
    // The close event that follows reports it.
    socket.on('error', () => {});
  });
  return isOpen ? socket : undefined;
}

it('an assistant connection ends without a sign-in, whatever else it sends, and stays after one', async () => {
  const signIn = app.app.get(AssistantSignIn);
  const usual = signIn.signInMs;
  expect(usual).toBe(15_000);
  signIn.signInMs = 1000;
  try {
    const [silent, noisy, signedIn] = await Promise.all(range(3).map(() => app.assistant()));
    signedIn!.send('join_chat', { token: anna.token });
    noisy!.send('join_chat', { token: 'x' });
    noisy!.send('message', { message: 'x' });
    expect(await silent!.disconnected()).toBe(1001);
    await noisy!.disconnected();
    expect(silent!.all('error')).toMatchObject([{ code: 'UNAUTHORIZED' }]);
    await signedIn!.ask('create_chat', {}, 'chat_created');
    // A failed sign-in replaces the one before.
    signedIn!.send('join_chat', { token: 'x' });
    expect(await signedIn!.disconnected()).toBe(1001);
  } finally {
    signIn.signInMs = usual;
  }
});

it('an assistant connection ends when its client answers heartbeats and reads nothing', async () => {
  const { connections } = app.app.get<unknown, { connections: Set<{ socket: WebSocket; beat(): void }> }>(
    AssistantEndpoint,
  );
  const client = await app.assistant();
  client.send('join_chat', { token: anna.token });
  const { chatId } = await client.ask('create_chat', {}, 'chat_created');
  await app.rows(
    `INSERT INTO assistant_messages (id, chat_id, seq, role, status, content)
     SELECT gen_random_uuid(), $1, i, 'assistant', 'complete', repeat('ж', 100000) FROM generate_series(1, 5) AS i`,
    [chatId],
  );
  const connection = [...connections].at(-1)!;
  const { socket } = connection;
  client.socket.pause();
  for (let i = 0; i < 60; i++) client.send('join_chat', { token: anna.token, chatId });
  await until('more waits than it reads', () => socket.bufferedAmount > 0);
  for (let i = 0; i < 5 && socket.readyState === WebSocket.OPEN; i++) {
    client.socket.pong();
    await once(socket, 'pong');
    connection.beat();
  }
  expect(socket.readyState).not.toBe(WebSocket.OPEN);
  client.close();
});

it('an assistant connection sends a long answer again in pieces, and does other work between them', async () => {
  const client = await app.assistant();
  client.send('join_chat', { token: anna.token });
  const { chatId } = await client.ask('create_chat', {}, 'chat_created');
  const [{ id: messageId }] = (await app.rows(
    `INSERT INTO assistant_messages (id, chat_id, seq, role, status, content, token_ends)
     SELECT gen_random_uuid(), $1, 1, 'assistant', 'complete', repeat('ж', 50000), array_agg(i)
     FROM generate_series(1, 50000) AS i RETURNING id`,
    [chatId],
  )) as [{ id: string }];
  const { connections } = app.app.get<unknown, { connections: Set<{ socket: WebSocket }> }>(
    AssistantEndpoint,
  );
  const { socket } = [...connections].at(-1)!;
  const send = jest.spyOn(socket, 'send');
  let [before, most] = [0, 0];
  const looking = setInterval(() => {
    most = Math.max(most, send.mock.calls.length - before);
    before = send.mock.calls.length;
  }, 0);
  client.send('join_chat', { token: anna.token, chatId, resume: { messageId, index: -1 } });
  await client.next('assistant_message_complete');
  clearInterval(looking);
  expect(client.all('assistant_message_token').map(({ index }) => index)).toEqual(range(50_000));
  expect(most).toBeLessThan(5000);
  client.close();
});

it('an assistant connection ends when too many live events wait while it opens a chat', async () => {
  const client = await app.assistant();
  client.send('join_chat', { token: anna.token });
  const { chatId } = await client.ask('create_chat', {}, 'chat_created');
  const [{ id: messageId }] = (await app.rows(
    `INSERT INTO assistant_messages (id, chat_id, seq, role, status, content, token_ends)
     SELECT gen_random_uuid(), $1, 1, 'assistant', 'complete', repeat('ж', 100000), array_agg(i)
     FROM generate_series(1, 100000) AS i RETURNING id`,
    [chatId],
  )) as [{ id: string }];
  const { connections } = app.app.get<unknown, { connections: Set<{ socket: WebSocket }> }>(
    AssistantEndpoint,
  );
  const { socket } = [...connections].at(-1)!;
  const terminated = jest.spyOn(app.app.get(Metrics).slowConsumers, 'inc');
  client.socket.pause();
  client.send('join_chat', { token: anna.token, chatId, resume: { messageId, index: -1 } });
  await until('more waits than it reads', () => socket.bufferedAmount > 0);
  const publisher = app.app.get(EventPublisher);
  const token = 'ж'.repeat(1000);
  const publish = (index: number) =>
    publisher.publishAssistant(chatId!, {
      type: 'assistant_message_token',
      data: { token, messageId: anna.id, index },
    });
  for (const index of range(900)) publish(index);
  expect(socket.readyState).toBe(WebSocket.OPEN);
  for (const index of range(100)) publish(900 + index);
  await until('closed', () => socket.readyState !== WebSocket.OPEN);
  expect(terminated).toHaveBeenCalledTimes(1);
  client.close();
});

it('an assistant connection reads no token of an answer of another user', async () => {
  const client = await app.assistant();
  client.send('join_chat', { token: anna.token });
  const { chatId } = await client.ask('create_chat', {}, 'chat_created');
  await app.rows(
    `WITH answer AS (
       INSERT INTO assistant_messages (id, chat_id, seq, role, status, content, produced_by)
       SELECT gen_random_uuid(), $1, 1, 'assistant', 'streaming', '', $2 RETURNING id
     )
     INSERT INTO assistant_tokens (message_id, index, text) SELECT id, 0, 'x' FROM answer`,
    [chatId, app.app.get(NodeRegistry).id],
  );
  const boris = await app.register('Борис');
  const statements = jest.spyOn(app.app.get(PgPool), 'query');
  client.send('join_chat', { token: boris.token, chatId });
  expect(await client.next('error')).toMatchObject({ code: 'NOT_FOUND' });
  const texts = statements.mock.calls.map(([asked]) => JSON.stringify(asked));
  expect(texts.length).toBeGreaterThan(2);
  // One of them finds out whether an answer is in progress.
  expect(texts.filter((text) => text.includes('assistant_tokens'))).toHaveLength(1);
  client.close();
});

it('an assistant connection counts opened chats as reads, by their length', async () => {
  const client = await app.assistant();
  client.send('join_chat', { token: anna.token });
  const { chatId } = await client.ask('create_chat', {}, 'chat_created');
  await app.rows(
    `INSERT INTO assistant_messages (id, chat_id, seq, role, status, content)
     SELECT gen_random_uuid(), $1, i, 'assistant', 'complete', repeat('ж', 100000) FROM generate_series(1, 5) AS i`,
    [chatId],
  );
  // About 30 of 600 each.
  for (let i = 0; i < 40; i++) client.send('join_chat', { token: anna.token, chatId });
  const { code } = await client.next('error');
  expect(code).toBe('RATE_LIMIT');
  expect(client.all('chat_joined').length).toBeLessThan(25);
  client.close();
});

it('an assistant connection keeps no oversized frame, and few large ones, while earlier frames wait', async () => {
  const client = await app.assistant();
  client.send('join_chat', { token: anna.token });
  const { chatId } = await client.ask('create_chat', {}, 'chat_created');
  let enter!: () => void;
  const opening = new Promise<void>((resolve) => (enter = resolve));
  jest
    .spyOn(app.app.get(Conversations), 'open')
    .mockImplementation(async (_userId, _chatId, _resume, device) => {
      await opening;
      device.goLive();
    });
  const before = held();
  client.send('join_chat', { token: anna.token, chatId });
  for (let i = 0; i < 20; i++) client.sendRaw(Buffer.alloc(1.9 * MB, ' '));
  for (let i = 0; i < 20; i++) client.sendRaw(Buffer.alloc(63 * 1024, ' '));
  await client.until(() => client.all('error').length >= 10 || undefined, 'not refused', 20_000);
  const limited = client.all('error');
  expect(new Set(limited.map(({ code }) => code))).toEqual(new Set(['RATE_LIMIT']));
  await until('let go', () => held() - before < 4 * MB);
  enter();
  await client.until(() => client.all('error').length === 36 || undefined, 'not answered');
  // More than three large ones are refused, too.
  expect(client.all('error').filter(({ code }) => code === 'MESSAGE_TOO_LARGE')).toHaveLength(3);
  client.close();
});

it('an assistant connection keeps at most 200 frames that wait for the one before them', async () => {
  const client = await app.assistant();
  client.send('join_chat', { token: anna.token });
  const { chatId } = await client.ask('create_chat', {}, 'chat_created');
  let enter!: () => void;
  const opening = new Promise<void>((resolve) => (enter = resolve));
  jest
    .spyOn(app.app.get(Conversations), 'open')
    .mockImplementation(async (_userId, _chatId, _resume, device) => {
      await opening;
      device.goLive();
    });
  client.send('join_chat', { token: anna.token, chatId });
  for (let i = 0; i < 300; i++) client.send('nonsense');
  await client.until(() => client.all('error').length > 100 || undefined, 'not refused');
  const limited = client.all('error');
  expect(limited).toHaveLength(101);
  expect(new Set(limited.map(({ code }) => code))).toEqual(new Set(['RATE_LIMIT']));
  enter();
  client.close();
});

it('an assistant connection frees a place of its address when its user signs in, and when it closes', async () => {
  const address = '203.0.113.1';
  for (let i = 0; i < 2 * OPENING; i++) {
    const client = await app.assistant(from(address));
    client.send('join_chat', { token: anna.token });
    await client.ask('create_chat', {}, 'chat_created');
  }
  const silent = await Promise.all(range(OPENING).map(() => opened(address)));
  expect(silent).not.toContain(undefined);
  expect(await opened(address)).toBeUndefined();
  for (const socket of silent) socket!.close();
  for (let i = 0; i < 2 * OPENING; i++)
    await until('room', async () => {
      const socket = await opened(address);
      socket?.close();
      return socket !== undefined;
    });
});

it('an assistant connection that fails to open is not counted', async () => {
  const { hostname, port } = new URL(app.url);
  for (let i = 0; i < 2 * OPENING; i++) {
    const socket = connect(Number(port), hostname);
    socket.write(
      'GET /ws/chat HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 203.0.113.2\r\nConnection: Upgrade\r\n' +
        'Upgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 1\r\n\r\n',
    );
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 4\d\d/);
    socket.destroy();
  }
  const socket = await opened('203.0.113.2');
  expect(socket).toBeDefined();
  socket!.close();
});

it('an assistant connection shares the event limit with the user’s other connections', async () => {
  const clients = await Promise.all(range(2).map(() => app.assistant()));
  for (const client of clients) {
    client.send('join_chat', { token: anna.token });
    await client.ask('nonsense', {}, 'error');
  }
  for (const client of clients) for (let i = 1; i < 150; i++) client.send('nonsense');
  const answered = () => clients.flatMap((client) => client.all('error'));
  await until('answered', () => answered().length === 300);
  expect(answered().filter(({ code }) => code === 'RATE_LIMIT')).toHaveLength(300 - EVENTS * 10);
});
