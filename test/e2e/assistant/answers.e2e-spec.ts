import { setTimeout as sleep } from 'node:timers/promises';
import { byHand, exchange, receivedTokens, Scene, type Complete, type Conversation } from './scene.js';

let scene: Scene;
let conversation: Conversation;
beforeAll(async () => (scene = await Scene.start({ ASSISTANT_TIMEOUT_MS: '5000' })));
afterAll(() => scene.stop());
beforeEach(async () => (conversation = await scene.chat()));

describe('stop', () => {
  it('ends the answer with its text so far, on every device, and aborts the model request', async () => {
    const tokens = byHand();
    scene.model.answerWith({ tokens });
    const { client: tablet } = await scene.join(conversation);
    const aborted = scene.model.aborted;
    const messageId = await scene.begin(conversation.client, 'Долгий вопрос');
    tokens.write('Начало, ');
    tokens.write('и');
    await receivedTokens(tablet, messageId, 2);
    tablet.send('stop');
    for (const client of [conversation.client, tablet])
      expect(await client.next<Complete>('assistant_message_complete')).toMatchObject({
        messageId,
        content: 'Начало, и',
        status: 'stopped',
      });
    await scene.model.until(() => scene.model.aborted === aborted + 1, 'the model request was not aborted');
    expect(await scene.history(conversation)).toEqual([
      'user complete: Долгий вопрос',
      'assistant stopped: Начало, и',
    ]);
    expect(conversation.client.all('error')).toEqual([]);
  });

  it('ends an answer that has no tokens yet, and the chat goes on', async () => {
    scene.model.answerWith({ mute: true });
    const messageId = await scene.begin(conversation.client, 'Вопрос');
    const complete = await conversation.client.ask<Complete>('stop', {}, 'assistant_message_complete');
    expect(complete).toMatchObject({ messageId, content: '', status: 'stopped' });
    expect((await exchange(conversation.client, 'Другой')).status).toBe('complete');
    expect(conversation.client.all('error')).toEqual([]);
  });

  it('without an answer does nothing', async () => {
    conversation.client.send('stop');
    conversation.client.send('stop');
    expect((await exchange(conversation.client, 'Вопрос')).status).toBe('complete');
    conversation.client.send('stop');
    expect((await exchange(conversation.client, 'Вопрос')).status).toBe('complete');
    expect(conversation.client.all('assistant_message_complete')).toHaveLength(2);
  });

  it('in one chat leaves the answer of another chat alone', async () => {
    const other = await scene.chat(conversation.account);
    const tokens = byHand();
    scene.model.answerWith({ tokens });
    await scene.begin(conversation.client, 'Вопрос');
    other.client.send('stop');
    await exchange(other.client, 'Привет');
    tokens.end('весь ответ');
    expect(await conversation.client.next('assistant_message_complete')).toMatchObject({
      content: 'весь ответ',
      status: 'complete',
    });
  });
});

describe('regenerate', () => {
  it('answers the last question again; the old answer leaves the history and the prompt', async () => {
    await exchange(conversation.client, 'Первый');
    scene.model.answerWith({ tokens: ['старый'] }, { tokens: ['новый'] });
    const old = await exchange(conversation.client, 'Второй');
    const { client: tablet } = await scene.join(conversation);
    const fresh = await conversation.client.ask<Complete>('regenerate', {}, 'assistant_message_complete');
    expect(fresh).toMatchObject({ content: 'новый', status: 'complete', role: 'assistant' });
    expect(fresh.messageId).not.toBe(old.messageId);
    expect(await tablet.next('assistant_message_complete')).toEqual(fresh);
    expect(scene.model.prompt).toEqual(['user: Первый', 'assistant: Да, конечно.', 'user: Второй']);
    expect(await scene.history(conversation)).toEqual([
      'user complete: Первый',
      'assistant complete: Да, конечно.',
      'user complete: Второй',
      'assistant complete: новый',
    ]);
    expect(conversation.client.all('user_message')).toHaveLength(2);
    scene.model.answerWith({ tokens: ['дальше'] });
    await exchange(conversation.client, 'Третий');
    expect(scene.model.prompt).not.toContain('assistant: старый');
    expect(scene.model.prompt).toContain('assistant: новый');
  });

  it('without a question is refused', async () => {
    const { message } = await conversation.client.ask('regenerate', {}, 'error');
    expect(message).toEqual(expect.any(String));
    expect((await exchange(conversation.client, 'Вопрос')).status).toBe('complete');
  });

  it('works for a stopped answer', async () => {
    scene.model.answerWith({ tokens: ['нет'], end: 'hang' });
    const messageId = await scene.begin(conversation.client, 'Вопрос');
    await receivedTokens(conversation.client, messageId, 1);
    await conversation.client.ask('stop', {}, 'assistant_message_complete');
    const fresh = await conversation.client.ask<Complete>('regenerate', {}, 'assistant_message_complete');
    expect(fresh.status).toBe('complete');
    expect(scene.model.prompt).toEqual(['user: Вопрос']);
    expect(await scene.history(conversation)).toEqual([
      'user complete: Вопрос',
      'assistant complete: Да, конечно.',
    ]);
  });

  it('is refused while the last question waits for its answer, and delays nothing', async () => {
    scene.model.answerWith({ mute: true }, { tokens: ['два'] });
    await scene.begin(conversation.client, 'первый');
    conversation.client.send('message', { message: 'второй' });
    await conversation.client.next('user_message', ({ content }) => content === 'второй');
    expect(await conversation.client.ask('regenerate', {}, 'error')).toMatchObject({ code: 'CONFLICT' });
    conversation.client.send('stop');
    await conversation.client.next('assistant_message_complete', ({ content }) => content === 'два');
    expect(conversation.client.all('assistant_message_complete')).toHaveLength(2);
  });

  it('on two devices at once leaves one answer to the question', async () => {
    await exchange(conversation.client, 'Вопрос');
    const { client: tablet } = await scene.join(conversation);
    scene.model.answerWith({ tokens: ['раз'], first: 50 }, { tokens: ['два'], first: 50 });
    for (const client of [conversation.client, tablet]) client.send('regenerate');
    await sleep(700);
    scene.model.forget();
    const history = await scene.history(conversation);
    expect(history.map((line) => line.split(':')[0])).toEqual(['user complete', 'assistant complete']);
    expect(scene.model.prompt).toEqual(['user: Вопрос']);
  });

  it('during an answer, then a stop at once: the new answer is stopped', async () => {
    scene.model.answerWith({ mute: true }, { mute: true });
    await scene.begin(conversation.client, 'Вопрос');
    conversation.client.send('regenerate');
    conversation.client.send('stop');
    const stopped = () => conversation.client.all('assistant_message_complete').length === 2 || undefined;
    await conversation.client.until(stopped, 'two ends');
    scene.model.forget();
    expect(await scene.history(conversation)).toEqual(['user complete: Вопрос', 'assistant stopped: ']);
  });

  it('during an answer ends it and leaves one answer to the question', async () => {
    const tokens = byHand();
    scene.model.answerWith({ tokens });
    const messageId = await scene.begin(conversation.client, 'Вопрос');
    tokens.write('половина');
    await receivedTokens(conversation.client, messageId, 1);
    conversation.client.send('regenerate');
    const { messageId: fresh } = await conversation.client.next(
      'assistant_message_complete',
      ({ status }) => status === 'complete',
    );
    expect(fresh).not.toBe(messageId);
    expect(await scene.history(conversation)).toEqual([
      'user complete: Вопрос',
      'assistant complete: Да, конечно.',
    ]);
    expect(scene.model.prompt).toEqual(['user: Вопрос']);
  });
});

it('messages sent during an answer are acknowledged at once and answered in order', async () => {
  const tokens = byHand();
  scene.model.answerWith({ tokens }, { tokens: ['два'] }, { tokens: ['три'] });
  await scene.begin(conversation.client, 'первый');
  const before = scene.model.requests.length;
  conversation.client.send('message', { message: 'второй' });
  conversation.client.send('message', { message: 'третий' });
  await conversation.client.next('user_message', ({ content }) => content === 'третий');
  expect(conversation.client.all('assistant_message_complete')).toEqual([]);
  expect(scene.model.requests).toHaveLength(before);
  tokens.end('один');
  const answered = () => conversation.client.all('assistant_message_complete').length === 3 || undefined;
  await conversation.client.until(answered, 'three answers');
  const contents = conversation.client.all('assistant_message_complete').map(({ content }) => content);
  expect(contents).toEqual(['один', 'два', 'три']);
  const [second, third] = scene.model.requests
    .slice(-2)
    .map(({ messages }) =>
      messages.flatMap(({ role, content }) => (role === 'system' ? [] : [`${role}: ${content}`])),
    );
  expect(second).toContain('assistant: один');
  expect(second!.at(-1)).toBe('user: второй');
  expect(third!.at(-1)).toBe('user: третий');
  expect(third).toContain('assistant: два');
  const questions = (await scene.history(conversation)).filter((line) => line.startsWith('user'));
  expect(questions).toEqual(['user complete: первый', 'user complete: второй', 'user complete: третий']);
});

it('chats do not wait for each other', async () => {
  const other = await scene.chat(conversation.account);
  scene.model.answerWith({ mute: true });
  await scene.begin(conversation.client, 'долго');
  expect((await exchange(other.client, 'быстро')).status).toBe('complete');
  await conversation.client.ask('stop', {}, 'assistant_message_complete');
});
