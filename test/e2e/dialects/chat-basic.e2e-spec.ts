import { GetMessage } from '#chat';
import { PlainClient, TestApp, type Account } from '#testing';
import { QueryBus } from '@nestjs/cqrs';

let app: TestApp;
let anna: Account;
let boris: Account;
let chatId: string;
let foreign: string;
beforeAll(async () => {
  app = await TestApp.start();
  const [a, b, gleb, dina] = await app.people('Анна', 'Борис', 'Глеб', 'Дина');
  [anna, boris] = [a, b];
  chatId = (await app.chat(anna, boris)).id;
  foreign = (await app.chat(gleb, dina)).id;
});
afterAll(() => app.stop());

/** Signs in over REST and connects with any transport, as the script of the specification does. */
async function signIn({ email }: Account): Promise<PlainClient> {
  const response = await fetch(`${app.url}/auth/login`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ email, password: 'correct horse battery' }),
  });
  const { accessToken } = (await response.json()) as { accessToken: string };
  const client = PlainClient.open(`${app.url}/chat-basic`, { auth: { token: accessToken } });
  await new Promise<void>((resolve) => client.socket.once('connect', resolve));
  return client;
}

it('the chat-basic dialect joins, sends and receives as the script of the specification does, each message once', async () => {
  const [firstDevice, secondDevice] = [await signIn(anna), await signIn(boris)];
  expect(await firstDevice.ask('chat:join', { chatId })).toEqual({
    success: true,
    message: `Joined chat ${chatId}`,
    messages: [],
  });
  const sent = await firstDevice.ask<{ success: boolean; message: { _id: string } }>('message:send', {
    chatId,
    text: 'Test message',
  });
  expect(sent).toMatchObject({
    success: true,
    message: { chat: chatId, text: 'Test message', type: 'text', sender: { _id: anna.id, name: 'Анна' } },
  });
  expect(await secondDevice.next('message:new')).toEqual(sent.message);
  await secondDevice.ask('message:send', { chatId, text: 'Got it' });
  await firstDevice.next('message:new', ({ text }) => text === 'Got it');
  // The original server sends it to the chat's room and to each person's.
  for (const client of [firstDevice, secondDevice]) expect(client.all('message:new')).toHaveLength(2);
  const again = await secondDevice.ask<{ messages: { text: string }[] }>('chat:join', { chatId });
  expect(again.messages.map(({ text }) => text)).toEqual(['Test message', 'Got it']);
  expect(await secondDevice.ask('chat:leave', { chatId })).toEqual({
    success: true,
    message: `Left chat ${chatId}`,
  });
  firstDevice.close();
  secondDevice.close();
});

it('the chat-basic dialect acknowledges a stored message even if reads fail then', async () => {
  const queries = app.app.get(QueryBus);
  const execute = queries.execute.bind(queries);
  const spy = jest.spyOn(queries, 'execute').mockImplementation((query) => {
    if (query instanceof GetMessage) throw new Error('busy');
    return execute(query);
  });
  const basic = await signIn(anna);
  const sent = await basic.ask('message:send', { chatId, text: 'kept' });
  expect(sent).toMatchObject({ success: true, message: { chat: chatId, text: 'kept' } });
  const client = PlainClient.open(`${app.url}/messenger`, { auth: { token: anna.token } });
  expect(await client.ask('message', { chatId, content: 'kept, too' })).toMatchObject({
    chatId,
    content: 'kept, too',
  });
  spy.mockRestore();
  basic.close();
  client.close();
});

it('the chat-basic dialect receives a new chat and its messages without joining', async () => {
  const client = await signIn(boris);
  const vera = await app.register('Вера');
  const { id } = await app.chat(vera, boris);
  const made = await client.next('chat:created');
  expect(made).toMatchObject({ _id: id, unreadCount: 0 });
  expect((made.participants as { name: string }[]).map(({ name }) => name).sort()).toEqual(['Борис', 'Вера']);
  const body = { type: 'text', content: 'Hello' };
  await app.request('POST', `chats/${id}/messages`, vera.token, body);
  expect(await client.next('message:new', ({ chat }) => chat === id)).toMatchObject({ text: 'Hello' });
  client.close();
});

it('the chat-basic dialect answers with its own errors', async () => {
  const client = await signIn(anna);
  const denied = { success: false, error: 'Access denied' };
  expect(await client.ask('chat:join', { chatId: foreign })).toEqual(denied);
  expect(await client.ask('message:send', { chatId: foreign, text: 'x' })).toEqual(denied);
  expect(await client.ask('chat:leave', { chatId: foreign })).toMatchObject({ success: true });
  const named = (error: string) => ({ success: false, error });
  expect(await client.ask('message:send', { chatId, text: ' ' })).toEqual(named('text must not be empty'));
  expect(await client.ask('message:send', { chat_id: chatId, content: 'x' })).toEqual(
    named('chatId must be a UUID'),
  );
  expect(await client.ask('message:new', {})).toEqual(named('Unknown event'));
  client.close();
});

it('the chat-basic dialect disconnects a client that is not signed in', async () => {
  for (const auth of [{}, { token: 'nonsense' }]) {
    const client = PlainClient.open(`${app.url}/chat-basic`, { auth });
    const reason = await new Promise((resolve) => client.socket.once('disconnect', resolve));
    expect(reason).toBe('io server disconnect');
    expect(client.all('message:new')).toEqual([]);
  }
});
