import type { AuthAnswer } from '#contracts';
import { ASSISTANT, RateLimits } from '#platform';
import { begin, exchange, Scene, type Complete, type Conversation } from './scene.js';

const EACH_MINUTE = 20;

let scene: Scene;
let conversation: Conversation;
beforeAll(async () => (scene = await Scene.start({ ASSISTANT_RATE: '' })));
afterAll(() => scene.stop());
beforeEach(async () => (conversation = await scene.chat()));

it('a burst of a hundred messages is answered up to the limit, and the rest is refused', async () => {
  const { client } = conversation;
  for (let i = 0; i < 100; i++) client.send('message', { message: String(i) });
  const refused = () => client.all<{ code: string; retryAfterMs: number }>('error');
  await client.until(() => refused().length === 100 - EACH_MINUTE || undefined, '80 refusals');
  for (const { code, retryAfterMs } of refused()) {
    expect(code).toBe('RATE_LIMIT');
    expect(retryAfterMs).toBeGreaterThan(0);
    expect(retryAfterMs).toBeLessThanOrEqual(60_000);
  }
  const complete = () => client.all<Complete>('assistant_message_complete');
  await client.until(() => complete().length === EACH_MINUTE || undefined, '20 answers');
  expect(new Set(complete().map(({ status }) => status))).toEqual(new Set(['complete']));
  expect(scene.model.requests).toHaveLength(EACH_MINUTE);
  expect(await scene.history(conversation)).toHaveLength(2 * EACH_MINUTE);
  expect(refused()).toHaveLength(100 - EACH_MINUTE);
  expect(client.dropped).toBeUndefined();
});

it('the limit counts all devices and chats of a user, regenerated answers too, and no other user', async () => {
  const second = await scene.chat(conversation.account);
  for (let i = 0; i < EACH_MINUTE / 2; i++) {
    await exchange(conversation.client, 'x');
    await exchange(second.client, 'x');
  }
  for (const [type, { client }] of [
    ['message', conversation],
    ['regenerate', second],
  ] as const)
    expect(await client.ask(type, type === 'message' ? { message: 'x' } : {}, 'error')).toMatchObject({
      code: 'RATE_LIMIT',
    });
  const other = await scene.chat();
  expect((await exchange(other.client, 'x')).status).toBe('complete');
});

it('a daily limit counts questions and regenerated answers', async () => {
  const { client, account } = conversation;
  await exchange(client, 'x');
  await scene.app.app.get(RateLimits).take('assistantDay', account.id, 499);
  for (const [type, data] of [
    ['message', { message: 'x' }],
    ['regenerate', {}],
  ] as const) {
    const refusal = await client.ask<{ code: string; retryAfterMs: number }>(type, data, 'error');
    expect(refusal.code).toBe('RATE_LIMIT');
    expect(refusal.retryAfterMs).toBeGreaterThan(23 * 3600_000);
  }
});

it('a flood of frames of any kind ends neither the connection nor the service', async () => {
  const { client } = conversation;
  for (let i = 0; i < 3000; i++) client.send(i % 2 ? 'nonsense' : 'create_chat');
  const other = await scene.chat();
  expect((await exchange(other.client, 'x')).status).toBe('complete');
  await client.until(() => client.all('error').length >= 1500 || undefined, 'errors', 20_000);
  expect(client.dropped).toBeUndefined();
});

describe('a user whose answers do not end', () => {
  let patient: Scene;
  beforeAll(async () => {
    patient = await Scene.start({ ASSISTANT_RATE: '1000', ASSISTANT_TIMEOUT_MS: '60000' });
    patient.model.answerAlways({ mute: true });
  });
  afterAll(() => patient.stop());

  const atOnce = ASSISTANT.answersOfOne.most.atOnce;

  it('gets a few at once, and the next one when one ends', async () => {
    const account = await patient.app.register();
    const talks = [];
    for (let i = 0; i <= atOnce; i++) talks.push(await patient.chat(account));
    for (const { client } of talks) await client.ask('message', { message: 'x' }, 'user_message');
    const [first] = talks as [Conversation];
    await patient.model.request(atOnce);
    const other = await patient.chat();
    await begin(other.client, 'x');
    await patient.model.request(atOnce + 1);
    first.client.send('stop');
    await patient.model.request(atOnce + 2);
    for (const { client } of [...talks, other]) client.send('stop');
  });

  it('stops an answer that waits for a place', async () => {
    const account = await patient.app.register();
    const talks = [];
    for (let i = 0; i <= atOnce; i++) talks.push(await patient.chat(account));
    const before = patient.model.requests.length;
    for (const { client } of talks) await begin(client, 'x');
    await patient.model.request(before + atOnce);
    const last = talks.at(-1)!;
    const stopped = await last.client.ask<Complete>('stop', {}, 'assistant_message_complete');
    expect(stopped).toMatchObject({ content: '', status: 'stopped' });
    expect(await patient.history(last)).toEqual(['user complete: x', 'assistant stopped: ']);
    expect(patient.model.requests).toHaveLength(before + atOnce);
    for (const { client } of talks) client.send('stop');
  });

  it('is banned: the running answer ends, and the waiting questions never reach the model', async () => {
    const admin = await patient.app.register();
    await patient.app.rows(`UPDATE users SET role = 'admin' WHERE id = $1`, [admin.id]);
    const conversation = await patient.chat();
    const { account, client, chatId } = conversation;
    const before = patient.model.requests.length;
    await patient.begin(client, 'first');
    for (const message of ['second', 'third']) await client.ask('message', { message }, 'user_message');
    await patient.app.ask(admin, `POST admin/users/${account.id}/ban`, {});
    await patient.app.ask(admin, `POST admin/users/${account.id}/unban`);
    const credentials = { email: account.email, password: 'correct horse battery' };
    const signedIn = await patient.app.request<AuthAnswer>('POST', 'auth/login', undefined, credentials);
    const again = { ...account, token: signedIn.body.access_token };
    const { client: device } = await patient.join({ account: again, chatId });
    // Questions of a chat are answered in order.
    await patient.begin(device, 'fourth');
    expect(patient.model.requests).toHaveLength(before + 2);
    const asked = ['second', 'third', 'fourth'].map((question) => `user complete: ${question}`);
    expect((await patient.history({ account: again, chatId })).slice(0, 5)).toEqual([
      'user complete: first',
      'assistant stopped: ',
      ...asked,
    ]);
    device.send('stop');
  });

  it('is refused more questions than may wait', async () => {
    const { client, account } = await patient.chat();
    const most = atOnce + ASSISTANT.answersOfOne.most.waiting;
    for (let i = 0; i < most; i++) await client.ask('message', { message: 'x' }, 'user_message');
    expect(await client.ask('message', { message: 'x' }, 'error')).toMatchObject({ code: 'RATE_LIMIT' });
    expect(await client.ask('regenerate', {}, 'error')).toMatchObject({ code: 'RATE_LIMIT' });
    const another = await patient.chat(account);
    expect(await another.client.ask('message', { message: 'x' }, 'error')).toMatchObject({
      code: 'RATE_LIMIT',
    });
    const other = await patient.chat();
    await begin(other.client, 'x');
  });
});
