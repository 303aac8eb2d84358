import { ErrorBody, type ChatDto } from '#contracts';
import {
  contractErrors,
  describeWithRedis,
  Device,
  ModelServer,
  text,
  until,
  type Account,
  type Reply,
  type TestApp,
} from '#testing';
import { Cluster } from '../cluster/cluster.js';
import { connections, internalErrors } from './counted.js';

const range = (length: number) => Array.from({ length }, (_, i) => i);

describeWithRedis('a flood over two nodes', () => {
  const BURST = 10;
  /** Per second: few, so that a slow machine exceeds them, too. */
  const WRITES = 10;
  const SIGN_INS = 5;
  const QUESTIONS = 3;
  const EVENTS = 60;
  let model: ModelServer;
  let cluster: Cluster;
  let nodes: [TestApp, TestApp];
  let flooding: Account;
  let chat: ChatDto;
  /** A user with ordinary traffic on both nodes. */
  let wellBehaved: Account;
  let wellBehavedDevice: [Device, Device];
  beforeAll(async () => {
    model = await ModelServer.start();
    cluster = await Cluster.start(2, {
      MESSAGE_RATE: '1',
      MESSAGE_BURST: String(BURST),
      REST_WRITE_RATE: String(WRITES),
      SIGN_IN_RATE: String(SIGN_INS),
      SOCKET_EVENT_RATE: String(EVENTS),
      ASSISTANT_RATE: String(QUESTIONS),
      OPENAI_API_KEY: 'test',
      OPENAI_BASE_URL: model.url,
    });
    nodes = cluster.nodes as typeof nodes;
    [flooding, wellBehaved] = await nodes[0].people('Глеб', 'Анна');
    wellBehavedDevice = [await nodes[0].device(wellBehaved), await nodes[1].device(wellBehaved)];
    chat = await nodes[0].chat(wellBehaved, flooding);
  });
  afterAll(async () => {
    await cluster.stop();
    await model.stop();
  });
  afterEach(async () => {
    for (const { url } of nodes) expect(await internalErrors(url)).toBe(0);
  });

  /** Sends requests to both nodes alternately, all at once. */
  const overBoth = <T>(count: number, ask: (node: TestApp, i: number) => Promise<T>) =>
    Promise.all(range(count).map((i) => ask(nodes[i % 2]!, i)));
  /** Each refusal says so and when to retry. */
  const expectLimited = (refused: Partial<ErrorBody>[], withinMs: number) => {
    for (const { code, retry_after_ms } of refused) {
      expect(code).toBe('RATE_LIMIT');
      expect(retry_after_ms).toBeGreaterThan(0);
      expect(retry_after_ms).toBeLessThanOrEqual(withinMs);
    }
  };
  const refusedOf = (replies: Reply<object>[]) => {
    const refused = replies.filter(({ status }) => status === 429);
    for (const { body, headers } of refused) {
      expect(contractErrors(ErrorBody, body)).toEqual([]);
      expect(headers.get('retry-after')).toBe(String(Math.ceil(body.retry_after_ms! / 1000)));
    }
    return refused.map(({ body }) => body as unknown as ErrorBody);
  };

  it('of messages by sockets and REST is counted over both nodes, while others are received', async () => {
    const devices = [await nodes[0].device(flooding), await nodes[1].device(flooding)];
    const path = `chats/${chat.id}/messages`;
    const flood = overBoth(40, async (node, i) => {
      if (i % 4 < 2) return devices[i % 2]!.send('chat:message:send', text(chat, `${i}`));
      const body = { type: 'text', content: `${i}` };
      return (await node.request<{ status: string }>('POST', path, flooding.token, body)).body;
    });
    const served = await Promise.all(
      wellBehavedDevice.map((device) => device.send('chat:message:send', text(chat, 'hers'))),
    );
    expect(served.map(({ status }) => status)).toEqual(['sent', 'sent']);
    const answers = (await flood) as (Partial<ErrorBody> & { status?: string })[];
    const sent = answers.filter(({ status }) => status === 'sent');
    expect(sent).toHaveLength(BURST);
    expectLimited(
      answers.filter((answer) => !sent.includes(answer)),
      BURST * 1000,
    );
    const [{ count }] = (await nodes[0].rows(`SELECT count(*)::int FROM messages WHERE sender_id = $1`, [
      flooding.id,
    ])) as [{ count: number }];
    expect(count).toBe(BURST);
  });

  it('of sign-ins is counted by account over both nodes, while others sign in', async () => {
    const signIn = (node: TestApp, email: string, password = 'correct horse battery') =>
      node.request<object>('POST', 'auth/login', undefined, { email, password });
    const attack = overBoth(4 * SIGN_INS, (node, i) => signIn(node, flooding.email, `guess ${i}`));
    const others = await Promise.all(nodes.map((node) => signIn(node, wellBehaved.email)));
    expect(others.map(({ status }) => status)).toEqual([200, 200]);
    const replies = await attack;
    expect(replies.filter(({ status }) => status === 401)).toHaveLength(SIGN_INS);
    expect(refusedOf(replies)).toHaveLength(3 * SIGN_INS);
    expectLimited(refusedOf(replies), 60_000);
    // Neither by the older sign-in nor with the right password: a guesser must not learn that it is right.
    const [again, older] = await Promise.all([
      signIn(nodes[0], flooding.email),
      nodes[1].request('POST', '/auth/login', undefined, { email: flooding.email, password: 'x' }),
    ]);
    expect([again.status, older.status]).toEqual([429, 429]);
  });

  it('of REST writes is counted over both nodes, while others write', async () => {
    const write = (node: TestApp, { token }: Account) => node.request<object>('PATCH', 'users/me', token, {});
    // The second of the REST messages above must be over.
    await until('a new second', async () => (await write(nodes[0], flooding)).status === 200);
    const flood = overBoth(20 * WRITES, (node) => write(node, flooding));
    const [firstDevice] = await Promise.all([write(nodes[1], wellBehaved)]);
    expect(firstDevice.status).toBe(200);
    const replies = await flood;
    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([200, 429]));
    expectLimited(refusedOf(replies), 1000);
    // A refusal on one node holds on the other, unless its second is over by then.
    for (;;) {
      await overBoth(10 * WRITES, () => write(nodes[0], flooding));
      const [here, there] = [await write(nodes[0], flooding), await write(nodes[1], flooding)];
      const left = here.status === 429 ? here.body.retry_after_ms! : 0;
      if (left < 200) continue;
      expect(there.status).toBe(429);
      break;
    }
  });

  it('of questions to the assistant is counted over both nodes', async () => {
    const clients = await Promise.all(
      nodes.map(async (node) => {
        const client = await node.assistant();
        client.send('join_chat', { token: flooding.token });
        await client.ask('create_chat', {}, 'chat_created');
        return client;
      }),
    );
    for (const client of clients) for (let i = 0; i < 10; i++) client.send('message', { message: `${i}` });
    const all = (type: string) => clients.flatMap((client) => client.all(type));
    for (const client of clients)
      await client.until(
        () => client.all('error').length + client.all('user_message').length >= 10 || undefined,
      );
    expect(all('user_message')).toHaveLength(QUESTIONS);
    expectLimited(
      all('error').map(
        ({ code, retryAfterMs }) => ({ code, retry_after_ms: retryAfterMs }) as unknown as ErrorBody,
      ),
      60_000,
    );
    for (const client of clients) {
      const asked = client.all('user_message').length;
      await client.until(() => client.all('assistant_message_complete').length >= asked || undefined);
    }
  });

  it('of events is counted over both nodes, and delays nobody else’s answers', async () => {
    const devices = [await nodes[0].device(flooding), await nodes[1].device(flooding)];
    const since = performance.now();
    for (const { socket } of devices)
      for (let i = 0; i < 3000; i++) socket.emit('chat:join', { chat_id: flooding.id });
    for (const device of wellBehavedDevice) await device.settled();
    let passed = 0;
    for (const device of devices) {
      await device.until(() => device.all('error').length >= 3000 || undefined);
      const limited = device.all('error').filter(({ code }) => code === 'RATE_LIMIT');
      passed += 3000 - limited.length;
      expectLimited(limited, 10_000);
      device.close();
    }
    // A slow machine needs more than one window of 10 s. Each node may let less than 20 more through.
    const windows = 1 + Math.floor((performance.now() - since) / 10_000);
    expect(passed).toBeLessThan(windows * (EVENTS * 10 + 2 * 20));
    const another = await nodes[0].device(flooding);
    await another.settled();
  });

  it('of events at one node leaves few at the other, however slowly they arrive', async () => {
    for (;;) {
      const account = await nodes[0].register('Гоша');
      const [here, there] = [await nodes[0].device(account), await nodes[1].device(account)];
      const since = performance.now();
      const join = { chat_id: account.id };
      for (let i = 0; i < EVENTS * 10 + 100; i++) here.socket.emit('chat:join', join);
      await here.until(() => here.all('error').length >= EVENTS * 10 + 100 || undefined);
      const codes: unknown[] = [];
      for (let i = 0; i < 60; i++) codes.push((await there.send('chat:join', join)).code);
      // On a slow machine the next window has begun.
      if (performance.now() - since > 9000) continue;
      expect(codes.filter((code) => code !== 'RATE_LIMIT').length).toBeLessThan(20);
      break;
    }
  });

  it('of connections, good and bad, leaves nothing behind, while others connect', async () => {
    const before = await Promise.all(nodes.map(({ url }) => connections(url)));
    const bad = await overBoth(200, async (node, i) => {
      const device = node.keep(Device.open(node.url, `token ${i}`));
      await device.disconnected();
      return device.all('error')[0]?.code;
    });
    expect(new Set(bad)).toEqual(new Set(['UNAUTHORIZED']));
    const good = await overBoth(100, (node) => node.device(flooding));
    for (const device of wellBehavedDevice) await device.settled();
    expect((await (await nodes[0].device(wellBehaved)).send('users:list', {})).status).toBe('ok');
    for (const device of good) device.close();
    // Or until the test times out.
    for (const [i, { url }] of nodes.entries())
      while ((await connections(url)) > before[i]! + 1) await wellBehavedDevice[i]!.settled();
  });
});
