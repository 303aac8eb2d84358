import { ASSISTANT } from '#platform';
import { describeWithRedis, ModelServer, type Account, type AssistantClient, type TestApp } from '#testing';
import { PassThrough } from 'node:stream';
import { Cluster } from './cluster.js';

describeWithRedis('the assistant on two nodes', () => {
  let model: ModelServer;
  let cluster: Cluster;
  let one: TestApp;
  let other: TestApp;
  let anna: Account;
  beforeAll(async () => {
    model = await ModelServer.start();
    cluster = await Cluster.start(2, {
      OPENAI_API_KEY: 'test',
      OPENAI_BASE_URL: model.url,
      ASSISTANT_RATE: '1000',
    });
    [one, other] = cluster.nodes as [TestApp, TestApp];
    anna = await one.register('Анна');
  });
  afterAll(async () => {
    await cluster.stop();
    await model.stop();
  });

  const join = async (node: TestApp, chatId: string, resume?: object): Promise<AssistantClient> => {
    const client = await node.assistant();
    await client.ask('join_chat', { token: anna.token, chatId, resume }, 'chat_joined');
    return client;
  };
  const chatOn = async (node: TestApp) => {
    const client = await node.assistant();
    client.send('join_chat', { token: anna.token });
    const { chatId } = await client.ask('create_chat', {}, 'chat_created');
    return { client, chatId: chatId! };
  };

  it('an answer produced on one node is received on the other, also by a device that joins during it', async () => {
    const tokens = new PassThrough({ objectMode: true });
    model.answerWith({ tokens });
    const { client, chatId } = await chatOn(one);
    const there = await join(other, chatId);
    const { messageId } = await there.ask('message', { message: 'Was gibt es?' }, 'assistant_message_start');
    for (let i = 0; i < 20; i++) tokens.write(`${i} `);
    await client.until(() => client.tokens(messageId!).length >= 20 || undefined, '20 tokens');
    const late = await join(one, chatId);
    const resumed = await join(one, chatId, { messageId, index: 4 });
    for (let i = 20; i < 40; i++) tokens.write(`${i} `);
    tokens.end('Ende');
    const whole = Array.from({ length: 40 }, (_, i) => `${i} `).join('') + 'Ende';
    for (const device of [client, there, late]) {
      const complete = await device.next('assistant_message_complete');
      expect(complete.content).toBe(whole);
      expect(device.tokens(messageId!).join('')).toBe(whole);
      expect(device.all('assistant_message_start')).toHaveLength(1);
    }
    await resumed.next('assistant_message_complete');
    expect(
      resumed
        .all('assistant_message_token')
        .map(({ token }) => token)
        .join(''),
    ).toBe(whole.slice('0 1 2 3 4 '.length));
    expect(model.requests).toHaveLength(1);
  });

  it('stop and regenerate work from the other node', async () => {
    const endless = new PassThrough({ objectMode: true });
    model.answerWith({ tokens: endless }, { tokens: ['Anders'] });
    const { client, chatId } = await chatOn(one);
    const there = await join(other, chatId);
    const { messageId } = await client.ask('message', { message: 'Und?' }, 'assistant_message_start');
    endless.write('So');
    await there.until(() => there.tokens(messageId!).length > 0 || undefined, 'a token');
    there.send('regenerate');
    await client.next('assistant_message_complete', ({ status }) => status === 'stopped');
    const complete = await client.next('assistant_message_complete', ({ status }) => status === 'complete');
    expect(complete.content).toBe('Anders');
  });

  it('questions behind an answer of the other node take no place, and a stop ends that answer', async () => {
    const { atOnce } = ASSISTANT.answersOfOne.most;
    model.answerWith(...Array.from({ length: atOnce }, () => ({ mute: true })));
    const before = model.requests.length;
    const talks = [];
    for (let i = 0; i < atOnce; i++) talks.push(await chatOn(one));
    for (const { client } of talks) await client.ask('message', { message: 'A?' }, 'assistant_message_start');
    await model.request(before + atOnce);
    const there = [];
    for (const { chatId } of talks) {
      const client = await join(other, chatId);
      await client.ask('message', { message: 'B?' }, 'user_message');
      there.push(client);
    }
    const free = await chatOn(other);
    const complete = await free.client.ask('message', { message: 'C?' }, 'assistant_message_complete');
    expect(complete.status).toBe('complete');
    for (const client of there) {
      client.send('stop');
      await client.next('assistant_message_complete', ({ status }) => status === 'stopped');
      await client.next('assistant_message_complete', ({ status }) => status === 'complete');
    }
  });

  it('one of two concurrent regenerates on two nodes is kept, and both devices receive its whole answer', async () => {
    model.answerWith({ tokens: ['So'] }, { tokens: ['Ander', 's'] }, { tokens: ['Noch', ' anders'] });
    const { client, chatId } = await chatOn(one);
    const there = await join(other, chatId);
    await client.ask('message', { message: 'Und nun?' }, 'assistant_message_complete');
    for (const device of [client, there]) device.send('regenerate');
    const kept = async () =>
      one.rows<{ id: string; content: string }>(
        `SELECT id, content FROM assistant_messages
         WHERE chat_id = $1 AND role = 'assistant' AND status = 'complete'`,
        [chatId],
      );
    for (const device of [client, there])
      await device.until(
        () => device.all('assistant_message_complete').length === 3 || undefined,
        'three answers',
      );
    const answers = await kept();
    expect(answers).toHaveLength(1);
    for (const device of [client, there]) {
      expect(device.all('assistant_message_complete').at(-1)).toMatchObject({ messageId: answers[0]!.id });
      expect(device.tokens(answers[0]!.id).join('')).toBe(answers[0]!.content);
    }
  });
});
