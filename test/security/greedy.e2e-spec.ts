import type { ChatDto, ErrorBody } from '#contracts';
import { Authenticator } from '#identity';
import { Device, TestApp, until, type Account } from '#testing';
import WebSocket from 'ws';
import { AssistantSignIn } from '../../apps/realtime/src/assistant/assistant-sign-in.js';
import { internalErrors, refused } from './counted.js';

const range = (length: number) => Array.from({ length }, (_, i) => i);

let app: TestApp;
let honest: Account;
/** Goes on working meanwhile. */
let observer: Device;
const start = async (env: Record<string, string>) => {
  app = await TestApp.start(env);
  honest = await app.register('Анна');
  observer = await app.device(honest);
};
afterAll(() => app.stop());
afterEach(async () => {
  await observer.settled();
  expect(await internalErrors(app.url)).toBe(0);
});

/** Returns the code of the refusal. */
const connect = async ({ token }: Account) => {
  const device = app.keep(Device.open(app.url, token));
  await Promise.race([device.next('sync:required'), device.disconnected()]);
  const [refusal] = device.all('error');
  if (device.socket.connected) device.close();
  return refusal?.code;
};

describe('a long answer counts as several reads', () => {
  /** Reads per 10 s. A page of 200 long messages costs about half of them. */
  const READS = 60;
  let greedy: Account;
  let chat: ChatDto;
  beforeAll(() => start({ READ_RATE: String(READS / 10) }));
  afterAll(() => app.stop());
  beforeEach(async () => {
    greedy = await app.register('Глеб');
    chat = await app.chat(greedy, honest);
    await app.rows(
      `INSERT INTO messages (id, chat_id, seq, sender_id, type, content, metadata, created_at, pinned_at)
       SELECT gen_random_uuid(), $1, i, $2, 'text', repeat('ж', 4000), '{}', now(), now() - i * interval '1 s'
       FROM generate_series(1, 100) AS i`,
      [chat.id, greedy.id],
    );
    await app.rows('UPDATE chats SET last_seq = 100 WHERE id = $1', [chat.id]);
  });

  const expectFew = (codes: (string | undefined)[]) => {
    const given = codes.filter((code) => code === undefined).length;
    expect(given).toBeGreaterThan(1);
    expect(given).toBeLessThan(10);
    expect(codes.filter((code) => code === 'RATE_LIMIT')).toHaveLength(codes.length - given);
  };

  it('over REST, also while requests wait', async () => {
    const path = `chats/${chat.id}/messages?limit=200`;
    const replies = await Promise.all(range(40).map(() => app.request<ErrorBody>('GET', path, greedy.token)));
    for (const { status, body } of replies)
      if (status === 429) expect(body.retry_after_ms).toBeGreaterThan(0);
    expectFew(replies.map(({ body }) => body.code));
    expect((await app.request('GET', path, honest.token)).status).toBe(200);
  });

  it('for a connection of a user who follows thousands', async () => {
    const followed = await app.manyPeople(5000);
    await app.rows('INSERT INTO follows (follower_id, followee_id) SELECT $1, unnest($2::uuid[])', [
      greedy.id,
      followed,
    ]);
    const codes = [];
    for (const _ of range(12)) codes.push(await connect(greedy));
    expect(codes.filter((code) => code === undefined).length).toBeGreaterThan(2);
    expect(codes.slice(-3)).toEqual(['RATE_LIMIT', 'RATE_LIMIT', 'RATE_LIMIT']);
  });

  it('for CONNECTs: at most that many are looked up', async () => {
    const lookUp = jest.spyOn(app.app.get(Authenticator), 'connected');
    const codes = [];
    for (const _ of range(READS + 5)) codes.push(await connect(greedy));
    expect(lookUp).toHaveBeenCalledTimes(READS);
    expect(codes).toEqual([...Array(READS).fill(undefined), ...Array(5).fill('RATE_LIMIT')]);
  });

  it('over events', async () => {
    const device = await app.device(greedy);
    const answers = await Promise.all(range(40).map(() => device.send('chat:pins', { chat_id: chat.id })));
    expectFew(answers.map(({ code }) => code));
    expect((await observer.send('chat:pins', { chat_id: chat.id })).status).toBe('ok');
  });
});

describe('hundreds of concurrent events', () => {
  beforeAll(() => start({}));
  afterAll(() => app.stop());

  it('delay no other user', async () => {
    const greedy = await app.register('Глеб');
    const chat = await app.chat(greedy, honest);
    const devices = await app.devices(greedy, greedy, greedy);
    let answered = 0;
    const flood = range(600).map(async (i) => {
      await devices[i % 3]!.send('chat:message:send', { chat_id: chat.id, type: 'text', content: `${i}` });
      answered += 1;
    });
    await observer.send('chat:message:send', { chat_id: chat.id, type: 'text', content: 'honest' });
    expect(answered).toBeLessThan(300);
    await Promise.all(flood);
  });
});

describe('the sign-in limit of a user', () => {
  beforeAll(() => start({ READ_RATE: '6' }));
  afterAll(() => app.stop());

  it('holds at the assistant, also for a revoked session, before the database is queried', async () => {
    const greedy = await app.register('Глеб');
    await app.request('POST', 'auth/logout', greedy.token);
    const clients = await Promise.all(range(5).map(() => app.assistant()));
    for (const client of clients)
      for (let i = 0; i < 20; i++) client.send('join_chat', { token: greedy.token });
    const refusals = () =>
      clients.flatMap((client) => client.all<{ code: string; reason?: string }>('error'));
    await until('answers', () => refusals().length === 100);
    expect(refusals().filter(({ reason }) => reason === 'session_revoked')).toHaveLength(60);
    expect(refusals().filter(({ code }) => code === 'RATE_LIMIT')).toHaveLength(40);
  });
});

describe('a user who keeps sending refused events', () => {
  beforeAll(() => start({ SOCKET_EVENT_RATE: '6' }));

  /** Sends until the server disconnects. */
  const flood = async (send: () => void, isOver: () => boolean) => {
    while (!isOver()) {
      for (let i = 0; i < 1000; i++) send();
      await new Promise(setImmediate);
    }
  };

  it('is disconnected, on each socket', async () => {
    const greedy = await app.register('Глеб');
    const [device, another] = await app.devices(greedy, greedy);
    const emit = ({ socket }: Device) => socket.emit('chat:leave', { chat_id: greedy.id });
    for (const one of [device, another])
      await flood(
        () => emit(one),
        () => one.socket.disconnected,
      );
    expect(await refused(app.url, 'refusedEvents')).toBeGreaterThan(0);
  });

  it('is disconnected at the assistant, with or without a sign-in', async () => {
    app.app.get(AssistantSignIn).signInMs = 60_000;
    const greedy = await app.register('Глеб');
    for (const token of [greedy.token, undefined]) {
      const client = await app.assistant();
      if (token) client.send('join_chat', { token });
      await flood(
        () => client.socket.readyState === WebSocket.OPEN && client.send('stop'),
        () => client.dropped !== undefined,
      );
      expect(client.dropped).toBe(1006);
    }
  });

  it('is answered for the first few thousand events', async () => {
    const device = await app.device(await app.register('Глеб'));
    for (let i = 0; i < 3000; i++) device.socket.emit('chat:leave', { chat_id: honest.id });
    await device.until(() => device.all('error').length >= 2900 || undefined);
    expect(device.socket.connected).toBe(true);
  });
});
