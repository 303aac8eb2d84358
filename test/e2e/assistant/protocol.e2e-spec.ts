import type { Account } from '#testing';
import { begin, byHand, exchange, Scene, type Joined } from './scene.js';

let scene: Scene;
let anna: Account;
beforeAll(async () => {
  scene = await Scene.start();
  anna = await scene.app.register('Анна');
});
afterAll(() => scene.stop());

const DATE = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as string;

it('the assistant follows the specification, from connecting to joining a chat again', async () => {
  const client = await scene.app.assistant();
  expect(client.received).toEqual([
    { type: 'connected', data: { message: 'WebSocket connection established' } },
  ]);
  client.send('join_chat', { token: anna.token });
  const { chatId, ...created } = await client.ask('create_chat', {}, 'chat_created');
  expect(created).toEqual({ title: 'Новый чат' });
  const before = client.received.length;
  scene.model.answerWith({ tokens: ['Добрый', ' ', 'вечер', '!'] });
  const message = 'Здравствуйте';
  const complete = await exchange(client, message);

  const [user, start, ...rest] = client.received.slice(before);
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
    nextCursor: null,
  });
});

it('the title is the start of the first question, and no later question changes it', async () => {
  for (const [question, title] of [
    ['ж'.repeat(50), 'ж'.repeat(50)],
    ['ж'.repeat(51), `${'ж'.repeat(50)}...`],
  ] as const) {
    const { client } = await scene.chat(anna);
    expect((await exchange(client, question)).title).toBe(title);
    expect((await exchange(client, 'another')).title).toBe(title);
  }
});

it('the title does not split a character', async () => {
  const { client } = await scene.chat(anna);
  const { title } = await exchange(client, `${'x'.repeat(49)}👍👍`);
  expect(title.isWellFormed()).toBe(true);
});

it('frames sent at once are handled in order', async () => {
  const client = await scene.app.assistant();
  client.send('join_chat', { token: anna.token });
  client.send('create_chat');
  client.send('message', { message: 'at once' });
  const { status } = await client.next<{ status: string }>('assistant_message_complete');
  expect(status).toBe('complete');
  expect(client.received.map(({ type }) => type).slice(0, 4)).toEqual([
    'connected',
    'chat_created',
    'user_message',
    'assistant_message_start',
  ]);
});

it('a device that moved to another chat receives nothing more of the first', async () => {
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

it('a join of a long chat returns the newest 200 messages, oldest first', async () => {
  const conversation = await scene.chat(anna);
  await conversation.client.ask('message', { message: '0' }, 'assistant_message_complete');
  for (let i = 1; i <= 100; i++) conversation.client.send('message', { message: String(i) });
  const answered = () => conversation.client.all('assistant_message_complete').length === 101 || undefined;
  await conversation.client.until(answered, '101 answers', 20_000);
  const questions = (await scene.history(conversation)).filter((line) => line.startsWith('user'));
  expect(questions).toEqual(Array.from({ length: 100 }, (_, i) => `user complete: ${i + 1}`));
});
