import { Answers } from '#assistant';
import { ModelServer, TestApp, until, type Script } from '#testing';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  APOLOGY,
  begin,
  exchange,
  heardTokens,
  Scene,
  TIMEOUT,
  type Complete,
  type Joined,
  type Talk,
} from './scene.js';

/** What a busy machine adds, ms. */
const SLACK = 2000;

async function* nothing(): AsyncGenerator<string> {
  for (;;) {
    await sleep(TIMEOUT / 10);
    yield '';
  }
}

describe('the provider', () => {
  let scene: Scene;
  let talk: Talk;
  beforeAll(async () => (scene = await Scene.start()));
  afterAll(() => scene.stop());
  beforeEach(async () => (talk = await scene.chat()));

  const FAILURES: [string, Script, half: string][] = [
    ['says nothing at all', { mute: true }, ''],
    ['says nothing before the first token', { end: 'hang' }, ''],
    ['says nothing in many pieces', { tokens: nothing() }, ''],
    ['falls silent after some tokens', { tokens: ['Пол', 'овина'], end: 'hang' }, 'Половина'],
    ['has too many requests', { status: 429 }, ''],
    ['has an error', { status: 500 }, ''],
    ['does not know the key', { status: 401 }, ''],
    ['breaks off in the middle of a line', { tokens: ['Пол', 'овина'], end: 'reset' }, 'Половина'],
    ['breaks off before the first token', { end: 'reset' }, ''],
    ['ends without a reason', { tokens: ['Пол', 'овина'], end: 'cut' }, 'Половина'],
    ['ends without a word', { end: 'cut' }, ''],
    ['gives nothing but thoughts', { deltas: [{ reasoning: 'hm' }, { reasoning_content: 'hm' }] }, ''],
    ['gives nothing for a filter', { finish: 'content_filter' }, ''],
    ['cuts its answer for a filter', { tokens: ['Пол', 'овина'], finish: 'content_filter' }, 'Половина'],
    ['has no room for an answer', { deltas: [{ reasoning: 'hm' }], finish: 'length' }, ''],
    ['has no choices', { events: [{ choices: [] }, { choices: [{ finish_reason: 'stop' }] }] }, ''],
    ['ends at once', {}, ''],
    ['wants tools and names none', { finish: 'tool_calls' }, ''],
    ['says only what nobody sees', { tokens: [' \n', '\u200b\u2060'] }, ' \n\u200b\u2060'],
    ['refuses without a word', { deltas: [{ refusal: '' }] }, ''],
    [
      'answers nothing in one piece',
      { whole: { choices: [{ message: { content: '' }, finish_reason: 'stop' }] } },
      '',
    ],
    ['sends an error in the stream', { tokens: ['Пол', 'овина'], end: 'error' }, 'Половина'],
  ];

  it.each(FAILURES)(
    '%s: that is told, with an apology, and the next prompt knows nothing of it',
    async (...failure) => {
      const [, script, half] = failure;
      await exchange(talk.client, 'Раньше');
      scene.model.answerWith(script);
      const since = performance.now();
      const messageId = await begin(talk.client, 'Вопрос');
      const error = await talk.client.next('error');
      const complete = await talk.client.next<Complete>(
        'assistant_message_complete',
        ({ content }) => content === APOLOGY,
      );
      expect(performance.now() - since).toBeLessThan(TIMEOUT + SLACK);
      expect(error).toEqual({ code: 'ASSISTANT_UNAVAILABLE', message: expect.any(String), messageId });
      expect(JSON.stringify(error)).not.toContain('test');
      expect(complete).toMatchObject({ role: 'assistant', status: 'apology' });
      expect(complete.messageId).not.toBe(messageId);
      expect(talk.client.tokens(messageId).join('')).toBe(half);
      expect(talk.client.received.findLastIndex(({ type }) => type === 'error')).toBeLessThan(
        talk.client.received.findLastIndex(({ type }) => type === 'assistant_message_complete'),
      );

      expect((await exchange(talk.client, 'Дальше')).status).toBe('complete');
      const prompt = scene.model.prompt;
      expect(prompt.slice(0, 2)).toEqual(['user: Раньше', 'assistant: Да, конечно.']);
      expect(prompt.at(-1)).toBe('user: Дальше');
      expect(prompt.filter((line) => line.startsWith('assistant'))).toHaveLength(1);
      const history = await scene.history(talk);
      expect(history).toContain(`assistant apology: ${APOLOGY}`);
      expect(history.filter((line) => line.startsWith('assistant failed'))).toEqual(
        half ? [`assistant failed: ${half}`] : history.filter((line) => line === 'assistant failed: '),
      );
    },
  );

  it('is slow, but not silent: the answer may take longer than any one token', async () => {
    scene.model.answerWith({ tokens: ['a', 'b', 'c', 'd', 'e'], pace: TIMEOUT / 2 });
    expect(await exchange(talk.client, 'Не спеши')).toMatchObject({ content: 'abcde', status: 'complete' });
  });

  it('is never silent, but has no end: the answer has one all the same', async () => {
    const answers = scene.app.app.get(Answers);
    const usual = answers.answerMs;
    expect(usual).toBe(300_000);
    answers.answerMs = 3 * TIMEOUT;
    scene.model.answerWith({ tokens: Array<string>(600).fill('a'), pace: TIMEOUT / 4 });
    expect(await exchange(talk.client, 'Без конца')).toMatchObject({ content: APOLOGY });
    answers.answerMs = usual;
    const metrics = await (await fetch(`${scene.app.url}/metrics`)).text();
    expect(metrics).toMatch(/^budget_refusals_total\{budget="modelTime"\} [1-9]/m);
  });

  it('fails: another answer to the question takes the place of the failed one and of the apology', async () => {
    scene.model.answerWith({ tokens: ['Пол'], end: 'cut' });
    await exchange(talk.client, 'Вопрос');
    await talk.client.ask('regenerate', {}, 'assistant_message_complete');
    expect(scene.model.prompt).toEqual(['user: Вопрос']);
    expect(await scene.history(talk)).toEqual(['user complete: Вопрос', 'assistant complete: Да, конечно.']);
  });

  it('fails while more questions wait: they are answered', async () => {
    scene.model.answerWith({ end: 'hang' });
    await begin(talk.client, 'первый');
    talk.client.send('message', { message: 'второй' });
    await talk.client.next<Complete>('assistant_message_complete', ({ status }) => status === 'complete');
    expect(scene.model.prompt.at(-1)).toBe('user: второй');
    expect(scene.model.prompt.join()).not.toContain('assistant');
  });

  it('fails while nobody is there: the history tells of it', async () => {
    scene.model.answerWith({ tokens: ['Пол'], end: 'hang' });
    const messageId = await begin(talk.client, 'Вопрос');
    await heardTokens(talk.client, messageId, 1);
    talk.client.close();
    await until('the apology', async () => (await scene.history(talk)).length >= 3);
    expect(await scene.history(talk)).toEqual([
      'user complete: Вопрос',
      'assistant failed: Пол',
      `assistant apology: ${APOLOGY}`,
    ]);
    const { client } = await scene.join(talk, { messageId, index: 0 });
    const { content } = await client.next('assistant_message_complete');
    expect(content).not.toBe('');
  });

  it('is not there at all', async () => {
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

it('without a key there is no assistant: it says so at once, stores nothing, and all else works', async () => {
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
