import { createTestDatabase, itAlone, TestApp, until } from '#testing';
import { begin, byHand, exchange, receivedTokens, Scene, type Complete, type Joined } from './scene.js';

it('a stop of the process keeps the text of a running answer and marks it as interrupted', async () => {
  const database = await createTestDatabase();
  const scene = await Scene.start({ DATABASE_URL: database.url, ASSISTANT_TIMEOUT_MS: '20000' });
  const conversation = await scene.chat();
  const tokens = byHand();
  // Questions that still wait for an answer are not started any more.
  scene.model.answerWith({ tokens }, { mute: true });
  const messageId = await begin(conversation.client, 'Вопрос');
  conversation.client.send('message', { message: 'Ещё один' });
  await conversation.client.next('user_message', ({ content }) => content === 'Ещё один');
  for (const token of ['Начало', ', ', 'и']) tokens.write(token);
  await receivedTokens(conversation.client, messageId, 3);
  const since = performance.now();
  await scene.app.stop();
  expect(performance.now() - since).toBeLessThan(5000);
  await conversation.client.disconnected();
  await scene.model.until(() => scene.model.aborted === 1, 'the model request was not aborted');

  const later = await TestApp.start({ ...Scene.env(scene.model), DATABASE_URL: database.url });
  const client = await later.assistant();
  const join = { token: conversation.account.token, chatId: conversation.chatId };
  const { messages } = await client.ask<Joined>('join_chat', join, 'chat_joined');
  const received = messages.map(({ role, status, content }) => `${role} ${status}: ${content}`);
  expect(received).toContain('assistant interrupted: Начало, и');
  expect(received).toContain('user complete: Ещё один');
  const resumed = await later.assistant();
  resumed.send('join_chat', { ...join, resume: { messageId, index: 0 } });
  const complete = await resumed.next<Complete>('assistant_message_complete');
  expect(complete).toMatchObject({ content: 'Начало, и', status: 'interrupted' });
  expect(`Начало${resumed.tokens(messageId).join('')}`).toBe('Начало, и');
  expect(scene.model.requests).toHaveLength(1);
  scene.model.forget();
  expect((await exchange(client, 'Дальше')).status).toBe('complete');
  await later.stop();
  await scene.model.stop();
  await database.drop();
});

itAlone('the published part of an answer survives the death of its process', async () => {
  const database = await createTestDatabase();
  const scene = await Scene.start({ DATABASE_URL: database.url, ASSISTANT_TIMEOUT_MS: '20000' });
  const conversation = await scene.chat();
  scene.model.answerWith({ tokens: ['Начало', ', 👍 ', 'и'], end: 'hang' });
  const messageId = await begin(conversation.client, 'Вопрос');
  await receivedTokens(conversation.client, messageId, 3);
  const logged = async () => (await scene.app.rows('SELECT 1 FROM assistant_tokens')).length;
  await until('three tokens stored', async () => (await logged()) >= 3);
  // As if the database had been unavailable for a while.
  await scene.app.rows(`INSERT INTO assistant_tokens VALUES ($1, 7, 'потом')`, [messageId]);
  // The next process need not know whether the first one hangs or is dead.
  const next = await TestApp.start({ ...Scene.env(scene.model), DATABASE_URL: database.url });
  const client = await next.assistant();
  const join = {
    token: conversation.account.token,
    chatId: conversation.chatId,
    resume: { messageId, index: 0 },
  };
  const messages = async () => (await client.ask<Joined>('join_chat', join, 'chat_joined')).messages;
  await until('the stored answer', async () => (await messages()).length >= 2);
  const complete = await client.next<Complete>('assistant_message_complete');
  expect(complete).toMatchObject({ content: 'Начало, 👍 и', status: 'interrupted', title: 'Вопрос' });
  expect(client.tokens(messageId).slice(-2)).toEqual([', 👍 ', 'и']);
  expect((await exchange(client, 'Дальше')).status).toBe('complete');
  await next.stop();
  await scene.stop();
  await database.drop();
});
