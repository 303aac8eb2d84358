import { exchange, receivedTokens, Scene } from './scene.js';

const PROMPT = 'Ты помогаешь найти мастера.';

it('the system prompt comes first, then the conversation', async () => {
  const scene = await Scene.start({ ASSISTANT_PROMPT: PROMPT });
  const { client } = await scene.chat();
  scene.model.answerWith({ tokens: ['один'] });
  await exchange(client, 'первый');
  await exchange(client, 'второй');
  const { messages, tools, ...rest } = scene.model.requests.at(-1)!;
  // No parameter that a model may refuse: some accept one temperature only.
  expect(rest).toEqual({ model: 'test-model', stream: true });
  expect(tools).toHaveLength(4);
  expect(messages[0]).toMatchObject({ role: 'system', content: expect.stringContaining(PROMPT) });
  expect(scene.model.prompt).toEqual(['user: первый', 'assistant: один', 'user: второй']);
  await scene.stop();
});

it('the history is cut to the context by whole messages, oldest first, and keeps the question', async () => {
  const scene = await Scene.start({ ASSISTANT_CONTEXT_TOKENS: '1000' });
  const { client } = await scene.chat();
  const long = (name: string) => `${name}: ${'слово '.repeat(100)}`;
  scene.model.answerAlways({ tokens: [long('answer')] });
  for (let i = 0; i < 10; i++) await exchange(client, long(`question ${i}`));
  const { prompt } = scene.model;
  expect(prompt.length).toBeGreaterThan(1);
  expect(prompt.length).toBeLessThan(19);
  expect(prompt.at(-1)).toBe(`user: ${long('question 9')}`);
  // No message in between is missing, and none is truncated.
  const whole = Array.from({ length: 10 }, (_, i) => [
    `user: ${long(`question ${i}`)}`,
    `assistant: ${long('answer')}`,
  ]).flat();
  expect(prompt).toEqual(whole.slice(19 - prompt.length, 19));
  const most = `most: ${'слово '.repeat(900)}`;
  await exchange(client, most);
  expect(scene.model.prompt).toEqual([`user: ${most}`]);
  const stored = async () => (await scene.app.rows('SELECT 1 FROM assistant_messages')).length;
  const before = await stored();
  const error = await client.ask('message', { message: 'слово '.repeat(1100) }, 'error');
  expect(error).toMatchObject({ code: 'MESSAGE_TOO_LARGE' });
  expect(await stored()).toBe(before);
  await scene.stop();
});

it('a prompt contains no other chats', async () => {
  const scene = await Scene.start();
  const anna = await scene.app.register('Анна');
  const [first, second, foreign] = [await scene.chat(anna), await scene.chat(anna), await scene.chat()];
  scene.model.answerAlways({ tokens: ['ответ'], pace: 1 });
  await Promise.all(
    Object.entries({ first, second, foreign }).map(async ([name, { client }]) => {
      for (let i = 0; i < 5; i++) await exchange(client, `${name} ${i}`);
    }),
  );
  for (const { messages } of scene.model.requests) {
    const questions = messages.flatMap(({ role, content }) => (role === 'user' ? [content!] : []));
    const [name] = questions.at(-1)!.split(' ');
    expect(questions).toEqual(questions.map((_, i) => `${name} ${i}`));
  }
  await scene.stop();
});

it('the prompt after a stopped answer contains its text so far', async () => {
  const scene = await Scene.start({ ASSISTANT_TIMEOUT_MS: '5000' });
  const conversation = await scene.chat();
  scene.model.answerWith({ tokens: ['половина'], end: 'hang' });
  await receivedTokens(conversation.client, await scene.begin(conversation.client, 'первый'), 1);
  conversation.client.send('stop');
  await exchange(conversation.client, 'второй');
  await conversation.client.next('assistant_message_complete', ({ status }) => status === 'complete');
  expect(scene.model.prompt).toEqual(['user: первый', 'assistant: половина', 'user: второй']);
  await scene.stop();
});
