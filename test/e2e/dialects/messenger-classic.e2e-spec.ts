import { type PlainClient, TestApp, type Account } from '#testing';
import { openMessenger } from './messenger-client.js';

const open = (token: string | null) => openMessenger(`${app.url}/messenger-classic`, token);

let app: TestApp;
let anna: Account;
let boris: Account;
let firstDevice: PlainClient;
let secondDevice: PlainClient;
let chatId: string;
let foreign: string;
beforeAll(async () => {
  app = await TestApp.start({ PRESENCE_GRACE_MS: '20' });
  const [a, b, gleb, dina] = await app.people('Анна', 'Борис', 'Глеб', 'Дина');
  [anna, boris] = [a, b];
  chatId = (await app.chat(anna, boris)).id;
  foreign = (await app.chat(gleb, dina)).id;
  [firstDevice, secondDevice] = [open(anna.token), open(boris.token)];
  expect(await firstDevice.next('connected')).toEqual({ userId: anna.id });
  expect(await secondDevice.next('connected')).toEqual({ userId: boris.id });
});
afterAll(async () => {
  firstDevice.close();
  secondDevice.close();
  await app.stop();
});

it('the messenger-classic dialect sends a message to everybody once, and confirms its delivery', async () => {
  const { success, messageId } = await firstDevice.ask('send-message', { chatId, content: 'Привет' });
  expect(success).toBe(true);
  const shown = await secondDevice.next('new-message', ({ id }) => id === messageId);
  expect(shown).toMatchObject({ chatId, senderId: anna.id, content: 'Привет', deliveryStatus: 'SENT' });
  expect(await firstDevice.next('new-message', ({ id }) => id === messageId)).toEqual(shown);
  expect(await firstDevice.next('message-delivered')).toEqual({ messageId, chatId, userId: boris.id });
  await secondDevice.ask('send-message', { chatId, content: 'И тебе' });
  for (const client of [firstDevice, secondDevice])
    expect(client.all('new-message').filter(({ id }) => id === messageId)).toHaveLength(1);
});

it('the messenger-classic dialect returns the history when a chat is joined', async () => {
  const { success, messages } = await secondDevice.ask<{ success: boolean; messages: { content: string }[] }>(
    'join-chat',
    {
      chatId,
    },
  );
  expect(success).toBe(true);
  expect(messages.map(({ content }) => content)).toEqual(['Привет', 'И тебе']);
});

it('the messenger-classic dialect shows other members who is typing', async () => {
  expect(await secondDevice.ask('typing-start', { chatId })).toEqual({ success: true });
  expect(await firstDevice.next('user-typing')).toEqual({ userId: boris.id, chatId });
  expect(await secondDevice.ask('typing-stop', { chatId })).toEqual({ success: true });
  expect(await firstDevice.next('user-stopped-typing')).toEqual({ userId: boris.id, chatId });
  expect(secondDevice.all('user-typing')).toEqual([]);
});

it('the messenger-classic dialect shows when users come online and go offline', async () => {
  const vera = await app.register('Вера');
  const phone = open(vera.token);
  await firstDevice.next('user-online', ({ userId }) => userId === vera.id);
  phone.close();
  await firstDevice.next('user-offline', ({ userId }) => userId === vera.id);
});

it('the messenger-classic dialect answers a ping, with and without a callback', async () => {
  firstDevice.socket.emit('ping');
  expect(await firstDevice.next('pong')).toBeGreaterThan(0);
  expect(await secondDevice.ask('ping')).toMatchObject({ event: 'pong', data: expect.any(Number) });
});

it.each<[string, () => object | null, string]>([
  ['send-message', () => ({ chatId: foreign, content: 'x' }), 'Access denied'],
  ['join-chat', () => ({ chatId: foreign }), 'Access denied'],
  ['typing-start', () => ({ chatId: foreign }), 'Access denied'],
  ['typing-stop', () => ({ chatId: foreign }), 'Access denied'],
  ['send-message', () => ({ chat_id: chatId, content: 'x' }), 'chatId must be a UUID'],
  ['send-message', () => ({ chatId, content: { text: 'x' } }), 'content must be a string'],
  ['join-chat', () => null, 'chatId must be a UUID'],
  ['chat:message:send', () => ({ chat_id: chatId, type: 'text', content: 'x' }), 'Unknown event'],
  ['__proto__', () => ({}), 'Unknown event'],
])('%s is refused with the errors of the specification (%#)', async (event, payload, error) => {
  const [before] = await app.rows('SELECT count(*) FROM messages');
  expect(await firstDevice.ask(event, payload())).toEqual({ success: false, error });
  expect(await app.rows('SELECT count(*) FROM messages')).toEqual([before]);
});

it('the messenger-classic dialect notifies a client with a bad token, and disconnects it', async () => {
  const client = open('nonsense');
  const gone = new Promise((resolve) => client.socket.once('disconnect', resolve));
  expect(await client.next('error')).toMatchObject({ message: 'Authentication failed' });
  expect(await gone).toBe('io server disconnect');
});

it('the messenger-classic dialect disconnects at once when the session is signed out elsewhere', async () => {
  const gleb = await app.register('Глеб');
  const client = open(gleb.token);
  await client.next('connected');
  const gone = new Promise((resolve) => client.socket.once('disconnect', resolve));
  await app.request('POST', 'auth/logout', gleb.token);
  await client.next('error');
  expect(await gone).toBe('io server disconnect');
});
