import type { Account } from '#testing';
import { randomUUID } from 'node:crypto';
import { begin, byHand, exchange, Scene, type Joined } from './scene.js';

let scene: Scene;
let anna: Account;
let boris: Account;
beforeAll(async () => {
  scene = await Scene.start();
  [anna, boris] = await scene.app.people('Анна', 'Борис');
});
afterAll(() => scene.stop());

const DATE = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as string;
const count = async () => (await scene.app.rows('SELECT id FROM assistant_messages')).length;

it('speaks as the document says, from the greeting to a chat that is joined again', async () => {
  const client = await scene.app.assistant();
  expect(client.heard).toEqual([
    { type: 'connected', data: { message: 'WebSocket connection established' } },
  ]);
  client.send('join_chat', { token: anna.token });
  const { chatId, ...created } = await client.ask('create_chat', {}, 'chat_created');
  expect(created).toEqual({ title: 'Новый чат' });
  const before = client.heard.length;
  scene.model.answerWith({ tokens: ['Добрый', ' ', 'вечер', '!'] });
  const message = 'Здравствуйте';
  const complete = await exchange(client, message);

  const [user, start, ...rest] = client.heard.slice(before);
  const { messageId } = complete;
  const userId = user!.data.messageId!;
  expect(user).toEqual({
    type: 'user_message',
    data: { messageId: userId, content: message, role: 'user', timestamp: DATE },
  });
  expect(start).toEqual({
    type: 'assistant_message_start',
    data: { message: 'Ассистент печатает...', messageId },
  });
  expect(rest.slice(0, -1)).toEqual(
    ['Добрый', ' ', 'вечер', '!'].map((token, index) => ({
      type: 'assistant_message_token',
      data: { token, messageId, index },
    })),
  );
  expect(rest.at(-1)).toEqual({
    type: 'assistant_message_complete',
    data: {
      messageId,
      content: 'Добрый вечер!',
      role: 'assistant',
      timestamp: DATE,
      status: 'complete',
      title: message,
    },
  });

  const again = await scene.app.assistant();
  const joined = await again.ask<Joined>('join_chat', { token: anna.token, chatId }, 'chat_joined');
  const stored = (id: string, role: string, content: string) => ({
    _id: id,
    messageId: id,
    content,
    role,
    status: 'complete',
    timestamp: DATE,
    createdAt: DATE,
  });
  expect(joined).toEqual({
    chatId,
    title: message,
    messages: [stored(userId, 'user', message), stored(messageId, 'assistant', 'Добрый вечер!')],
  });
});

it('the title is the start of the first question, and no later one changes it', async () => {
  for (const [question, title] of [
    ['ж'.repeat(50), 'ж'.repeat(50)],
    ['ж'.repeat(51), `${'ж'.repeat(50)}...`],
  ] as const) {
    const { client } = await scene.chat(anna);
    expect((await exchange(client, question)).title).toBe(title);
    expect((await exchange(client, 'another')).title).toBe(title);
  }
});

it('a character is not cut in two by the title', async () => {
  const { client } = await scene.chat(anna);
  const { title } = await exchange(client, `${'x'.repeat(49)}👍👍`);
  expect(title.isWellFormed()).toBe(true);
});

describe('refuses, and the connection stays', () => {
  it.each(['nonsense', '', 'Bearer x'])('the token %j', async (token) => {
    const client = await scene.app.assistant();
    expect(await client.ask('join_chat', { token }, 'error')).toMatchObject({
      message: 'Invalid authentication token',
    });
    const refused = await client.ask('create_chat', {}, 'error');
    expect(refused).toMatchObject({ message: 'Not authenticated' });
    client.send('join_chat', { token: anna.token });
    await client.ask('create_chat', {}, 'chat_created');
  });

  it('a chat of somebody else, and one that there is not', async () => {
    const { chatId } = await scene.chat(anna);
    const his = await scene.signedIn(boris);
    for (const id of [chatId, randomUUID()])
      expect(await his.ask('join_chat', { token: boris.token, chatId: id }, 'error')).toMatchObject({
        message: 'Chat not found or access denied',
      });
    expect(await his.ask('message', { message: 'hers' }, 'error')).toMatchObject({
      message: 'Not authenticated or not in a chat',
    });
    expect(await scene.history({ account: anna, chatId })).toEqual([]);
  });

  it('messages, a stop and another answer before one is signed in and in a chat', async () => {
    const stranger = await scene.app.assistant();
    for (const client of [stranger, await scene.signedIn(anna)])
      for (const type of ['message', 'stop', 'regenerate'])
        expect(await client.ask(type, { message: 'x' }, 'error')).toMatchObject({
          message: 'Not authenticated or not in a chat',
        });
  });

  it('frames that say nothing', async () => {
    const { client } = await scene.chat(anna);
    const before = await count();
    const refusal = async (frame: string | Buffer) => {
      const errors = client.all('error').length;
      client.sendRaw(frame);
      return await client.until(() => client.all('error')[errors], String(frame).slice(0, 50));
    };
    for (const frame of ['', 'x', '[]', 'null', '5', '"x"', '{}', '{"type":5}', '{"type":null,"data":{}}'])
      expect([frame, await refusal(frame)]).toEqual([
        frame,
        expect.objectContaining({ message: 'Invalid message format' }),
      ]);
    for (const binary of [Buffer.of(0, 255, 254, 128), Buffer.alloc(1000, 0xff)])
      expect(await refusal(binary)).toMatchObject({ message: 'Invalid message format' });
    const unknown = { message: 'Unknown message type' };
    for (const type of ['nonsense', '__proto__', 'constructor', 'toString', 'connected', 'x'.repeat(9999)])
      expect(await refusal(JSON.stringify({ type, data: {} }))).toMatchObject(unknown);
    const nested = `${'{"a":'.repeat(9000)}1${'}'.repeat(9000)}`;
    for (const frame of [`{"type":"message","data":${nested}}`, nested, '['.repeat(60_000)])
      expect(await refusal(frame)).toMatchObject({ message: expect.any(String) });
    expect(await count()).toBe(before);
    expect((await exchange(client, 'still here')).status).toBe('complete');
  });

  it.each([
    ['message', {}],
    ['message', { message: '' }],
    ['message', { message: '   ' }],
    ['message', { message: 5 }],
    ['message', { message: ['x'] }],
    ['message', { message: 'NUL \0' }],
    ['join_chat', {}],
    ['join_chat', { token: 5 }],
    ['join_chat', { token: 'x', chatId: {} }],
    ['join_chat', { token: 'x', chatId: 'nonsense' }],
    ['join_chat', { token: 'x', resume: 'x' }],
    ['join_chat', { token: 'x', resume: { messageId: randomUUID(), index: -2 } }],
    ['join_chat', { token: 'x', resume: { messageId: randomUUID(), index: 0.5 } }],
    ['create_chat', []],
    ['message', 'text'],
  ])('fields that are wrong: %s %j', async (type, data) => {
    const { client, chatId } = await scene.chat(anna);
    expect(await client.ask(type, data as object, 'error')).toMatchObject({ code: 'INVALID_DATA' });
    expect(await scene.history({ account: anna, chatId })).toEqual([]);
    expect((await exchange(client, 'still here')).status).toBe('complete');
  });

  it.each([65 * 1024, 1024 * 1024])('a frame of %d bytes', async (size) => {
    const { client, chatId } = await scene.chat(anna);
    const refused = await client.ask('message', { message: 'x'.repeat(size) }, 'error');
    expect(refused).toMatchObject({ code: 'MESSAGE_TOO_LARGE', message: expect.any(String) });
    expect(await scene.history({ account: anna, chatId })).toEqual([]);
    expect((await exchange(client, 'still here')).status).toBe('complete');
  });
});

it('frames sent in one breath are taken in their order', async () => {
  const client = await scene.app.assistant();
  client.send('join_chat', { token: anna.token });
  client.send('create_chat');
  client.send('message', { message: 'at once' });
  const { status } = await client.next<{ status: string }>('assistant_message_complete');
  expect(status).toBe('complete');
  expect(client.heard.map(({ type }) => type).slice(0, 4)).toEqual([
    'connected',
    'chat_created',
    'user_message',
    'assistant_message_start',
  ]);
});

it('a device that has gone to another chat hears no more of the first', async () => {
  const first = await scene.chat(anna);
  const tokens = byHand();
  scene.model.answerWith({ tokens });
  const messageId = await begin(first.client, 'slowly');
  const second = await first.client.ask('create_chat', {}, 'chat_created');
  expect(second.chatId).not.toBe(first.chatId);
  const { client } = await scene.join(first);
  tokens.end('unheard');
  await client.next('assistant_message_complete');
  await first.client.settled();
  expect(first.client.tokens(messageId)).toEqual([]);
  expect(first.client.all('assistant_message_complete')).toEqual([]);
});

it('of a long chat the newest 200 messages are told, oldest first', async () => {
  const talk = await scene.chat(anna);
  for (let i = 0; i <= 100; i++) talk.client.send('message', { message: String(i) });
  const answered = () => talk.client.all('assistant_message_complete').length === 101 || undefined;
  await talk.client.until(answered, '101 answers', 20_000);
  const questions = (await scene.history(talk)).filter((line) => line.startsWith('user'));
  expect(questions).toEqual(Array.from({ length: 100 }, (_, i) => `user complete: ${i + 1}`));
});
