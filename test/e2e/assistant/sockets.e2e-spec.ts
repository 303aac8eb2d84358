import { until, type Account, type AssistantClient } from '#testing';
import jwt from 'jsonwebtoken';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { AssistantEndpoint } from '../../../apps/realtime/src/assistant/assistant-endpoint.js';
import { begin, byHand, exchange, receivedTokens, Scene } from './scene.js';

let scene: Scene;
let anna: Account;
beforeAll(async () => (scene = await Scene.start({ ASSISTANT_TIMEOUT_MS: '5000' })));
afterAll(() => scene.stop());
beforeEach(async () => (anna = await scene.app.register('Анна')));

/** More tokens than a connection may leave unread and the system's buffers hold. */
const LONG = 45_000;
const INVALID = { message: 'Invalid authentication token' };

describe('signing out', () => {
  it('disconnects the session’s devices at once, and no others', async () => {
    const { client, chatId } = await scene.chat(anna);
    const tokens = byHand();
    scene.model.answerWith({ tokens });
    const messageId = await begin(client, 'Вопрос');
    const other = await scene.chat();
    const login = await scene.app.request<{ access_token: string }>('POST', 'auth/login', undefined, {
      email: anna.email,
      password: 'correct horse battery',
    });
    const session = { ...anna, token: login.body.access_token };
    const { client: tablet } = await scene.join({ account: session, chatId });
    const since = performance.now();
    await scene.app.request('POST', 'auth/logout', anna.token);
    await client.disconnected();
    expect(performance.now() - since).toBeLessThan(1000);
    tokens.write('дальше');
    await receivedTokens(tablet, messageId, 1);
    tokens.end();
    await tablet.next('assistant_message_complete');
    expect(client.tokens(messageId)).toEqual([]);
    expect((await exchange(other.client, 'Вопрос')).status).toBe('complete');
    const again = await scene.app.assistant();
    expect(await again.ask('join_chat', { token: anna.token }, 'error')).toMatchObject(INVALID);
  });

  it('takes effect at the next frame, even if this node missed it', async () => {
    const { client } = await scene.chat(anna);
    await scene.app.rows('UPDATE sessions SET revoked_at = now() WHERE user_id = $1', [anna.id]);
    expect(await client.ask('message', { message: 'late' }, 'error')).toMatchObject(INVALID);
    expect(await scene.app.rows(`SELECT 1 FROM assistant_messages WHERE content = 'late'`)).toEqual([]);
  });
});

it('an expired token ends the updates; a new one resumes them', async () => {
  const claims = jwt.decode(anna.token) as jwt.JwtPayload;
  const short = jwt.sign(
    { ...claims, jti: randomUUID(), exp: Math.floor(Date.now() / 1000) + 2 },
    'test-secret-test-secret-test-secret',
  );
  const { client, chatId } = await scene.chat({ ...anna, token: short });
  const tokens = byHand();
  scene.model.answerWith({ tokens });
  const messageId = await begin(client, 'Вопрос');
  tokens.write('раз');
  await receivedTokens(client, messageId, 1);
  await sleep(2200);
  tokens.write('два');
  expect(await client.ask('message', { message: 'late' }, 'error')).toBeDefined();
  expect(client.all('error')[0]).toMatchObject(INVALID);
  expect(client.tokens(messageId)).toEqual(['раз']);
  expect(await client.ask('join_chat', { token: short, chatId }, 'error')).toMatchObject(INVALID);
  client.send('join_chat', { token: anna.token, chatId, resume: { messageId, index: 0 } });
  await receivedTokens(client, messageId, 2);
  tokens.end();
  await client.next('assistant_message_complete');
  expect(client.tokens(messageId)).toEqual(['раз', 'два']);
});

describe('heartbeat', () => {
  const HEARTBEAT = 150;

  it('disconnects a client that never answers, and keeps one that is only idle', async () => {
    const endpoint = scene.app.app.get(AssistantEndpoint);
    expect(endpoint.heartbeatMs).toBe(25_000);
    const quick = await Scene.start();
    quick.app.app.get(AssistantEndpoint).heartbeatMs = HEARTBEAT;
    // The pending beat was scheduled with the old interval.
    quick.app.app.get(AssistantEndpoint)['beat']();
    const silent = await quick.app.assistant();
    const dead = await quick.app.assistant({ autoPong: false });
    const since = performance.now();
    await dead.disconnected();
    expect(performance.now() - since).toBeLessThan(2 * HEARTBEAT + 500);
    await sleep(6 * HEARTBEAT);
    expect(silent.dropped).toBeUndefined();
    await silent.settled();
    await quick.stop();
  });
});

it('connections are counted, and subtracted again', async () => {
  const connections = async () =>
    Number(/^websocket_connections (\d+)/m.exec(await (await fetch(`${scene.app.url}/metrics`)).text())![1]);
  const before = await connections();
  const clients: AssistantClient[] = [];
  for (let i = 0; i < 5; i++) clients.push(await scene.app.assistant());
  expect(await connections()).toBe(before + 5);
  for (const client of clients) client.close();
  await until('all subtracted', async () => (await connections()) === before);
});

it('a device that reads nothing neither fills the memory nor delays others', async () => {
  const { client, chatId } = await scene.chat(anna);
  const { client: tablet } = await scene.join({ account: anna, chatId });
  tablet.socket.pause();
  const token = 'слово '.repeat(100);
  scene.model.answerWith({ tokens: Array.from({ length: 80 }, () => token) });
  expect((await exchange(client, 'Много')).content).toHaveLength(80 * token.length);
  tablet.socket.resume();
});

it('a slow device receives the whole of a long answer when it reconnects', async () => {
  const { client, chatId } = await scene.chat(anna);
  scene.model.answerWith({ tokens: Array.from({ length: LONG }, () => 'ж') });
  const { messageId } = await client.ask('message', { message: 'Много' }, 'assistant_message_start');
  // Checks only the last frame: checking all of them each time would take longer than the answer.
  const isComplete = ({ received: received }: AssistantClient) =>
    received.at(-1)?.type === 'assistant_message_complete';
  await client.until(() => isComplete(client), 'the end', 90_000);
  const slow = await scene.app.assistant();
  slow.send('join_chat', { token: anna.token, chatId, resume: { messageId, index: 0 } });
  slow.socket.pause();
  await sleep(1000);
  slow.socket.resume();
  await slow.until(() => isComplete(slow) || slow.dropped, 'the end', 90_000);
  expect(slow.dropped).toBeUndefined();
  expect(slow.all('assistant_message_token')).toHaveLength(LONG - 1);
}, 200_000);
