import { Answers } from '#assistant';
import { ModelServer, TestApp, until, type Script } from '#testing';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  APOLOGY,
  begin,
  exchange,
  receivedTokens,
  Scene,
  TIMEOUT,
  type Complete,
  type Joined,
  type Conversation,
} from './scene.js';

/** Extra time of a busy machine, ms. */
const SLACK = 2000;

async function* nothing(): AsyncGenerator<string> {
  for (;;) {
    await sleep(TIMEOUT / 10);
    yield '';
  }
}

describe('a provider', () => {
  let scene: Scene;
  let conversation: Conversation;
  beforeAll(async () => (scene = await Scene.start()));
  afterAll(() => scene.stop());
  beforeEach(async () => (conversation = await scene.chat()));

  const FAILURES: [string, Script, half: string][] = [
    ['never answers', { mute: true }, ''],
    ['hangs before the first token', { end: 'hang' }, ''],
    ['sends many empty pieces', { tokens: nothing() }, ''],
    ['stalls after some tokens', { tokens: ['Пол', 'овина'], end: 'hang' }, 'Половина'],
    ['answers 429', { status: 429 }, ''],
    ['answers 500', { status: 500 }, ''],
    ['rejects the key', { status: 401 }, ''],
    ['disconnects in the middle of a line', { tokens: ['Пол', 'овина'], end: 'reset' }, 'Половина'],
    ['disconnects before the first token', { end: 'reset' }, ''],
    ['ends without a finish reason', { tokens: ['Пол', 'овина'], end: 'cut' }, 'Половина'],
    ['ends without a token', { end: 'cut' }, ''],
    ['sends only thoughts', { deltas: [{ reasoning: 'hm' }, { reasoning_content: 'hm' }] }, ''],
    ['filters the whole answer', { finish: 'content_filter' }, ''],
    ['filters a part of the answer', { tokens: ['Пол', 'овина'], finish: 'content_filter' }, 'Половина'],
    ['has no room for an answer', { deltas: [{ reasoning: 'hm' }], finish: 'length' }, ''],
    ['sends no choices', { events: [{ choices: [] }, { choices: [{ finish_reason: 'stop' }] }] }, ''],
    ['ends at once', {}, ''],
    ['calls tools and names none', { finish: 'tool_calls' }, ''],
    ['sends only invisible characters', { tokens: [' \n', '\u200b\u2060'] }, ' \n\u200b\u2060'],
    ['refuses without a text', { deltas: [{ refusal: '' }] }, ''],
    [
      'sends an empty answer in one piece',
      { whole: { choices: [{ message: { content: '' }, finish_reason: 'stop' }] } },
      '',
    ],
    ['sends an error in the stream', { tokens: ['Пол', 'овина'], end: 'error' }, 'Половина'],
  ];

  it.each(FAILURES)(
    'that %s: the client gets an error and an apology, and the next prompt leaves both out',
    async (...failure) => {
      const [, script, half] = failure;
      await exchange(conversation.client, 'Раньше');
      scene.model.answerWith(script);
      const since = performance.now();
      const messageId = await begin(conversation.client, 'Вопрос');
      const error = await conversation.client.next('error');
      const complete = await conversation.client.next<Complete>(
        'assistant_message_complete',
        ({ content }) => content === APOLOGY,
      );
      expect(performance.now() - since).toBeLessThan(TIMEOUT + SLACK);
      expect(error).toEqual({ code: 'ASSISTANT_UNAVAILABLE', message: expect.any(String), messageId });
      expect(JSON.stringify(error)).not.toContain('test');
      expect(complete).toMatchObject({ role: 'assistant', status: 'apology' });
      expect(complete.messageId).not.toBe(messageId);
      expect(conversation.client.tokens(messageId).join('')).toBe(half);
      expect(conversation.client.received.findLastIndex(({ type }) => type === 'error')).toBeLessThan(
        conversation.client.received.findLastIndex(({ type }) => type === 'assistant_message_complete'),
      );

      expect((await exchange(conversation.client, 'Дальше')).status).toBe('complete');
      const prompt = scene.model.prompt;
      expect(prompt.slice(0, 2)).toEqual(['user: Раньше', 'assistant: Да, конечно.']);
      expect(prompt.at(-1)).toBe('user: Дальше');
      expect(prompt.filter((line) => line.startsWith('assistant'))).toHaveLength(1);
      const history = await scene.history(conversation);
      expect(history).toContain(`assistant apology: ${APOLOGY}`);
      expect(history.filter((line) => line.startsWith('assistant failed'))).toEqual(
        half ? [`assistant failed: ${half}`] : history.filter((line) => line === 'assistant failed: '),
      );
    },
  );

  it('that is slow may take longer for the answer than the timeout of one token', async () => {
    scene.model.answerWith({ tokens: ['a', 'b', 'c', 'd', 'e'], pace: TIMEOUT / 2 });
    expect(await exchange(conversation.client, 'Не спеши')).toMatchObject({
      content: 'abcde',
      status: 'complete',
    });
  });

  it('that never ends is stopped at the time limit of an answer', async () => {
    const answers = scene.app.app.get(Answers);
    const usual = answers.answerMs;
    expect(usual).toBe(300_000);
    answers.answerMs = 3 * TIMEOUT;
    scene.model.answerWith({ tokens: Array<string>(600).fill('a'), pace: TIMEOUT / 4 });
    expect(await exchange(conversation.client, 'Без конца')).toMatchObject({ content: APOLOGY });
    answers.answerMs = usual;
    const metrics = await (await fetch(`${scene.app.url}/metrics`)).text();
    expect(metrics).toMatch(/^budget_refusals_total\{budget="modelTime"\} [1-9]/m);
  });

  it('that failed: a regenerated answer replaces the failed one and the apology', async () => {
    scene.model.answerWith({ tokens: ['Пол'], end: 'cut' });
    await exchange(conversation.client, 'Вопрос');
    await conversation.client.ask('regenerate', {}, 'assistant_message_complete');
    expect(scene.model.prompt).toEqual(['user: Вопрос']);
    expect(await scene.history(conversation)).toEqual([
      'user complete: Вопрос',
      'assistant complete: Да, конечно.',
    ]);
  });

  it('that fails while more questions wait does not stop their answers', async () => {
    scene.model.answerWith({ end: 'hang' });
    await begin(conversation.client, 'первый');
    conversation.client.send('message', { message: 'второй' });
    await conversation.client.next<Complete>(
      'assistant_message_complete',
      ({ status }) => status === 'complete',
    );
    expect(scene.model.prompt.at(-1)).toBe('user: второй');
    expect(scene.model.prompt.join()).not.toContain('assistant');
  });

  it('that fails while no device is connected leaves its apology in the history', async () => {
    scene.model.answerWith({ tokens: ['Пол'], end: 'hang' });
    const messageId = await begin(conversation.client, 'Вопрос');
    await receivedTokens(conversation.client, messageId, 1);
    conversation.client.close();
    await until('the apology', async () => (await scene.history(conversation)).length >= 3);
    expect(await scene.history(conversation)).toEqual([
      'user complete: Вопрос',
      'assistant failed: Пол',
      `assistant apology: ${APOLOGY}`,
    ]);
    const { client } = await scene.join(conversation, { messageId, index: 0 });
    const { content } = await client.next('assistant_message_complete');
    expect(content).not.toBe('');
  });

  it('that is unreachable leads to an apology', async () => {
    const away = await ModelServer.start();
    const env = Scene.env(away);
    await away.stop();
    const app = await TestApp.start(env);
    const client = await app.assistant();
    client.send('join_chat', { token: (await app.register()).token });
    client.send('create_chat');
    expect(await exchange(client, 'Вопрос')).toMatchObject({ content: APOLOGY, status: 'apology' });
    await app.stop();
  });
});

it('without a key the assistant answers at once that it is off, stores nothing, and all else works', async () => {
  const app = await TestApp.start();
  const anna = await app.register('Анна');
  const client = await app.assistant();
  client.send('join_chat', { token: anna.token });
  const { chatId } = await client.ask('create_chat', {}, 'chat_created');
  const error = await client.ask('message', { message: 'Вопрос' }, 'error');
  expect(error).toMatchObject({
    code: 'ASSISTANT_UNAVAILABLE',
    message: expect.stringContaining('OPENAI_API_KEY'),
  });
  const joined = await client.ask<Joined>('join_chat', { token: anna.token, chatId }, 'chat_joined');
  expect(joined.messages).toEqual([]);
  expect((await app.request('GET', 'users/me', anna.token)).status).toBe(200);
  expect((await app.request('GET', 'assistant/chats', anna.token)).status).toBe(200);
  await (await app.device(anna)).settled();
  await app.stop();
});
