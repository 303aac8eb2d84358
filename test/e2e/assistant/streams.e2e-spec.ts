import { until } from '#testing';
import { setTimeout as sleep } from 'node:timers/promises';
import { begin, byHand, exchange, receivedTokens, Scene, type Complete, type Conversation } from './scene.js';

let scene: Scene;
let conversation: Conversation;
beforeAll(async () => (scene = await Scene.start({ ASSISTANT_TIMEOUT_MS: '5000' })));
afterAll(() => scene.stop());
beforeEach(async () => (conversation = await scene.chat()));

/** Enough words to tell them apart, some of them not ASCII. */
const WORDS = Array.from({ length: 40 }, (_, i) => `${i} слово👍 `);
const WHOLE = WORDS.join('');
const asked = () => scene.model.requests.length;

it('every device in the chat receives the same, and a device in another chat nothing', async () => {
  const { client: tablet } = await scene.join(conversation);
  const { client: elsewhere } = await scene.chat(conversation.account);
  scene.model.answerWith({ tokens: WORDS, pace: 1 });
  const complete = await exchange(conversation.client, 'Расскажи');
  await tablet.next('assistant_message_complete');
  const ofAnswer = ({ received: received }: typeof tablet) =>
    received.filter(({ type }) => /^(assistant|user)_message/.test(type));
  expect(ofAnswer(tablet)).toEqual(ofAnswer(conversation.client));
  expect(tablet.tokens(complete.messageId)).toEqual(WORDS);
  await elsewhere.settled();
  expect(ofAnswer(elsewhere)).toEqual([]);
});

it('a device that joins during an answer gets it from the beginning, then live', async () => {
  const tokens = byHand();
  scene.model.answerWith({ tokens });
  const messageId = await begin(conversation.client, 'Расскажи');
  for (const word of WORDS.slice(0, 7)) tokens.write(word);
  await receivedTokens(conversation.client, messageId, 7);
  const { client: tablet, joined } = await scene.join(conversation);
  expect(joined.messages.map(({ content }) => content)).toEqual(['Расскажи']);
  await receivedTokens(tablet, messageId, 7);
  for (const word of WORDS.slice(7)) tokens.write(word);
  tokens.end();
  const { content } = await tablet.next('assistant_message_complete');
  expect(content).toBe(WHOLE);
  expect(tablet.received.map(({ type }) => type).slice(0, 4)).toEqual([
    'connected',
    'chat_joined',
    'assistant_message_start',
    'assistant_message_token',
  ]);
  expect(tablet.tokens(messageId)).toEqual(WORDS);
  expect(tablet.all<{ index: number }>('assistant_message_token')[0]!.index).toBe(0);
});

it('a device that joins again and again on one connection gets the whole answer each time', async () => {
  const tokens = byHand();
  scene.model.answerWith({ tokens });
  const messageId = await begin(conversation.client, 'Расскажи');
  const join = { token: conversation.account.token, chatId: conversation.chatId };
  for (const word of WORDS) {
    tokens.write(word);
    conversation.client.send('join_chat', join);
    if (WORDS.indexOf(word) % 7 === 0) await sleep(2);
  }
  const joins = () => conversation.client.all('chat_joined').length === WORDS.length || undefined;
  await conversation.client.until(joins, 'every join');
  tokens.end();
  await conversation.client.next('assistant_message_complete');
  expect(conversation.client.tokens(messageId)).toEqual(WORDS);
});

it.each([0, 3, 9])('a dropped connection resumes after token %i, while the answer goes on', async (index) => {
  const tokens = byHand();
  scene.model.answerWith({ tokens });
  const messageId = await begin(conversation.client, 'Расскажи');
  for (const word of WORDS.slice(0, 10)) tokens.write(word);
  await receivedTokens(conversation.client, messageId, index + 1);
  conversation.client.close();
  for (const word of WORDS.slice(10, 20)) tokens.write(word);
  await sleep(20);
  const { client } = await scene.join(conversation, { messageId, index });
  await receivedTokens(client, messageId, 20 - index - 1);
  for (const word of WORDS.slice(20)) tokens.write(word);
  tokens.end();
  await client.next('assistant_message_complete');
  expect(WORDS.slice(0, index + 1).join('') + client.tokens(messageId).join('')).toBe(WHOLE);
  expect(client.all('assistant_message_start')).toEqual([]);
  expect(client.all<{ index: number }>('assistant_message_token')[0]!.index).toBe(index + 1);
});

it('a client resumes an answer that completed meanwhile, also after its last token', async () => {
  scene.model.answerWith({ tokens: WORDS });
  const { messageId } = await exchange(conversation.client, 'Расскажи');
  for (const index of [-1, 0, 17, WORDS.length - 1]) {
    const { client } = await scene.join(conversation, { messageId, index });
    const complete = await client.next<Complete>('assistant_message_complete');
    expect(complete).toMatchObject({ messageId, content: WHOLE, status: 'complete' });
    const missed = client.tokens(messageId).join('');
    expect(WORDS.slice(0, index + 1).join('') + missed).toBe(WHOLE);
    expect(client.all('assistant_message_start')).toEqual([]);
    await client.settled();
    expect(client.all('assistant_message_complete')).toHaveLength(1);
  }
});

it('all devices leave and return: the answer is requested once, and is whole', async () => {
  const tokens = byHand();
  scene.model.answerWith({ tokens });
  const before = asked();
  const messageId = await begin(conversation.client, 'Расскажи');
  tokens.write(WORDS[0]);
  await receivedTokens(conversation.client, messageId, 1);
  conversation.client.close();
  for (const word of WORDS.slice(1, 30)) {
    tokens.write(word);
    await sleep(2);
  }
  const back = await Promise.all([
    scene.join(conversation),
    scene.join(conversation, { messageId, index: 0 }),
    scene.join(conversation, { messageId, index: 0 }),
  ]);
  for (const word of WORDS.slice(30)) tokens.write(word);
  tokens.end();
  for (const { client } of back) await client.next('assistant_message_complete');
  const [anew, ...resumed] = back.map(({ client }) => client.tokens(messageId).join(''));
  expect(anew).toBe(WHOLE);
  for (const rest of resumed) expect(WORDS[0] + rest).toBe(WHOLE);
  expect(asked() - before).toBe(1);
  expect(scene.model.aborted).toBe(0);
});

it('an answer is completed even if no device is connected', async () => {
  scene.model.answerWith({ tokens: WORDS, pace: 2 });
  await begin(conversation.client, 'Расскажи');
  conversation.client.close();
  await until('the answer', async () => (await scene.history(conversation)).length >= 2);
  expect(await scene.history(conversation)).toEqual([
    'user complete: Расскажи',
    `assistant complete: ${WHOLE}`,
  ]);
});

it('a client that reconnects at any moment of an answer gets each token exactly once', async () => {
  scene.model.answerWith({ tokens: WORDS, pace: 4 });
  const messageId = await begin(conversation.client, 'Расскажи');
  let { client } = conversation;
  const have: string[] = [];
  for (let i = 0; !client.all('assistant_message_complete').length; i++) {
    await sleep(i % 8);
    client.close();
    have.push(...client.tokens(messageId));
    ({ client } = await scene.join(conversation, { messageId, index: have.length - 1 }));
  }
  expect([...have, ...client.tokens(messageId)]).toEqual(WORDS);
});

it('characters that arrive byte by byte are whole', async () => {
  const tokens = ['Щ', 'ука', '👍🏽', '👨‍👩‍👧', 'é', '漢字', ' ok'];
  scene.model.answerWith({ tokens, bytewise: true });
  const { messageId, content } = await exchange(conversation.client, 'Скажи 👍');
  expect(content).toBe(tokens.join(''));
  expect(conversation.client.tokens(messageId)).toEqual(tokens);
  expect(scene.model.prompt).toEqual(['user: Скажи 👍']);
});

it('tokens that look like the protocol are tokens', async () => {
  const tokens = ['data: [DONE]\n\n', '{"type":"error"}', '\u2028', '\\u0000', '\r\n\r\n', '<b>'];
  scene.model.answerWith({ tokens });
  expect((await exchange(conversation.client, 'Скажи')).content).toBe(tokens.join(''));
});

it('a NUL from the model does not break the answer', async () => {
  scene.model.answerWith({ tokens: ['a', '\0', 'b'] });
  const { status, content } = await exchange(conversation.client, 'Скажи');
  expect([status, content.replace(/[\0\ufffd]/, '')]).toEqual(['complete', 'ab']);
  expect(await scene.history(conversation)).toHaveLength(2);
});

it('the log of an ended answer is deleted, however it ended', async () => {
  const talks = await Promise.all([1, 2, 3, 4, 5, 6].map(() => scene.chat()));
  const ends = ['done', 'cut', 'hang', 'reset', 'error', 'done'] as const;
  scene.model.answerWith(...ends.map((end) => ({ tokens: WORDS, pace: 3, end })));
  await Promise.all(
    talks.map(async ({ client }) => {
      const messageId = await begin(client, 'Расскажи');
      await receivedTokens(client, messageId, WORDS.length);
      client.send('stop');
      await client.next('assistant_message_complete');
    }),
  );
  // Longer than tokens are gathered before they are stored.
  await sleep(400);
  expect(await scene.app.rows('SELECT * FROM assistant_tokens')).toEqual([]);
});
