import { MessageDto, type ChatDto } from '#contracts';
import { Device, PlainClient, text, until } from '#testing';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { setScene } from './scene.js';

const scene = setScene();
afterEach(() => jest.restoreAllMocks());

const range = (length: number) => Array.from({ length }, (_, i) => i);
const receivedIn = (device: Device, { id }: ChatDto) =>
  device.all('chat:message:new').filter(({ chat_id }) => chat_id === id);
const contents = async ({ id }: ChatDto) =>
  (
    await scene.direct.query<MessageDto>('SELECT content FROM messages WHERE chat_id = $1 ORDER BY seq', [id])
  ).rows.map(({ content }) => content);

// First, since later tests leave it looking up uncertain commits, which would hide that a lookup starts.
describe('an answer that is lost after its commit', () => {
  const sendAndLose = async (client_id?: string) => {
    const chat = await scene.app.group(scene.anna, scene.boris);
    await scene.firstDevice.send('chat:message:send', text(chat, 'before'));
    const lost = scene.link.loseAnswerTo('append-messages');
    const { code } = await scene.firstDevice.send('chat:message:send', text(chat, 'lost', { client_id }));
    await lost;
    expect(code).toBe('UNAVAILABLE');
    return chat;
  };
  const isReceivedOnce = async (chat: ChatDto, expected: string[]) => {
    for (const device of [scene.firstDevice, scene.secondDevice]) {
      await device.next('chat:message:new', (m) => m.chat_id === chat.id && m.content === expected.at(-1));
      await device.settled();
      expect(receivedIn(device, chat).map(({ content }) => content)).toEqual(expected);
    }
    expect(await contents(chat)).toEqual(expected);
  };

  it('to a send that is not repeated: the others receive it all the same', async () => {
    const chat = await sendAndLose();
    await isReceivedOnce(chat, ['before', 'lost']);
  });

  it('to a send that is repeated: it is one message, received once and before the next one', async () => {
    const chat = await sendAndLose('c');
    const again = await scene.firstDevice.send('chat:message:send', text(chat, 'lost', { client_id: 'c' }));
    const next = await scene.firstDevice.send('chat:message:send', text(chat, 'next'));
    expect([again.seq, next.seq]).toEqual([2, 3]);
    await isReceivedOnce(chat, ['before', 'lost', 'next']);
    const received = receivedIn(scene.firstDevice, chat).map(({ client_id }) => client_id);
    expect(received).toEqual([undefined, 'c', undefined]);
    expect(receivedIn(scene.secondDevice, chat).some((m) => 'client_id' in m)).toBe(false);
    // Also after the time in which uncertain commits are looked up.
    await sleep(1300);
    await isReceivedOnce(chat, ['before', 'lost', 'next']);
  });

  it('to a forward: the others receive all of it in order, and a repetition returns the same', async () => {
    const [source, chat] = [
      await scene.app.group(scene.anna, scene.boris),
      await scene.app.group(scene.anna, scene.boris),
    ];
    const message_ids: string[] = [];
    for (const content of ['a', 'b', 'c'])
      message_ids.push((await scene.firstDevice.send('chat:message:send', text(source, content))).message_id);
    const forward = () =>
      scene.firstDevice.send('chat:message:forward', {
        message_ids,
        to_chat_id: chat.id,
        comment: 'see',
        client_id: 'f',
      });
    const lost = scene.link.loseAnswerTo('append-together');
    const { code } = await forward();
    await lost;
    expect(code).toBe('UNAVAILABLE');
    await isReceivedOnce(chat, ['see', 'a', 'b', 'c']);
    expect((await forward()).items.map(({ seq }) => seq)).toEqual([2, 3, 4]);
    const from = receivedIn(scene.secondDevice, chat).map(({ forwarded_from }) => forwarded_from?.message_id);
    expect(from).toEqual([undefined, ...message_ids]);
    await isReceivedOnce(chat, ['see', 'a', 'b', 'c']);
  });

  it('to a receipt: a repeated read publishes the same', async () => {
    const chat = await scene.app.group(scene.anna, scene.boris);
    const { message_id } = await scene.firstDevice.send('chat:message:send', text(chat));
    await scene.firstDevice.next('chat:message:delivered', (event) => event.message_id === message_id);
    const lost = scene.link.loseAnswerTo('own_after_read');
    const payload = { chat_id: chat.id, message_id };
    expect((await scene.secondDevice.send('chat:message:read', payload)).code).toBe('UNAVAILABLE');
    await lost;
    expect(await scene.secondDevice.send('chat:message:read', payload)).toMatchObject({
      status: 'ok',
      unread_count: 0,
    });
  });

  it('to a send that commits long after the timeout: the others receive it then', async () => {
    const chat = await scene.app.group(scene.anna, scene.boris);
    const elsewhere = await scene.app.group(scene.anna, scene.boris);
    // While a statement waits, PostgreSQL does not notice that its client is gone.
    await scene.direct.query('BEGIN');
    await scene.direct.query('SELECT FROM chats WHERE id = $1 FOR UPDATE', [chat.id]);
    const sent = scene.firstDevice.send('chat:message:send', text(chat, 'late'));
    await scene.direct.somebodyWaits();
    scene.link.cut();
    expect((await sent).code).toBe('UNAVAILABLE');
    const now = Date.now;
    jest.spyOn(Date, 'now').mockImplementation(() => now() + 60_000);
    await scene.comesBack();
    // A send first looks up the uncertain commits before it.
    expect(await scene.firstDevice.send('chat:message:send', text(elsewhere))).toMatchObject({
      status: 'sent',
    });
    await scene.direct.query('COMMIT');
    await isReceivedOnce(chat, ['late']);
  });
});

it('receipts that were pending when the database failed are published once, when it is back', async () => {
  const { firstDevice: firstDevice, secondDevice: secondDevice, link } = scene;
  const chat = await scene.app.group(scene.anna, scene.boris);
  const receiptCount = (event: 'chat:message:delivered' | 'chat:message:read') =>
    firstDevice.all(event).filter(({ chat_id }) => chat_id === chat.id).length;
  let lost = link.loseAnswerTo('AS covered');
  const { message_id } = await firstDevice.send('chat:message:send', text(chat));
  await lost;
  link.cut();
  await scene.comesBack();
  await firstDevice.next('chat:message:delivered', (event) => event.message_id === message_id);
  lost = link.loseAnswerTo('AS covered');
  const read = await secondDevice.send('chat:message:read', { chat_id: chat.id, message_id });
  expect(read.status).toBe('ok');
  await lost;
  link.cut();
  await scene.comesBack();
  await firstDevice.next('chat:message:read', (event) => event.message_id === message_id);
  expect([receiptCount('chat:message:delivered'), receiptCount('chat:message:read')]).toEqual([1, 1]);
});

it('after a failure during sends each is stored or UNAVAILABLE, and a repetition stores the rest once', async () => {
  const chat = await scene.app.group(scene.anna, scene.boris);
  const send = (i: number) =>
    scene.firstDevice.send('chat:message:send', text(chat, `m${i}`, { client_id: `c${i}` }));
  const first = range(120).map(send);
  await Promise.race(first);
  scene.link.cut();
  const started = performance.now();
  const answers = await Promise.all([...first, ...range(20).map((i) => send(120 + i))]);
  expect(performance.now() - started).toBeLessThan(4000);
  const codes = new Set(answers.map(({ status, code }) => (status === 'sent' ? 'sent' : code)));
  expect(codes).toEqual(new Set(['sent', 'UNAVAILABLE']));
  await scene.comesBack();
  const again = await Promise.all(range(140).map(send));
  expect(again.every(({ status }) => status === 'sent')).toBe(true);
  answers.forEach((answer, i) => answer.status === 'sent' && expect(answer).toEqual(again[i]));
  expect((await contents(chat)).sort()).toEqual(
    range(140)
      .map((i) => `m${i}`)
      .sort(),
  );
  expect(again.map(({ seq }) => seq).sort((a, b) => a - b)).toEqual(range(140).map((i) => i + 1));
  for (const device of [scene.firstDevice, scene.secondDevice]) {
    await device.until(() => receivedIn(device, chat).length >= 140 || undefined);
    await device.settled();
    expect(new Set(receivedIn(device, chat).map(({ id }) => id)).size).toBe(receivedIn(device, chat).length);
  }
});

it('while the database is unavailable the app is live but not ready, and devices stay connected', async () => {
  const chat = await scene.app.group(scene.anna, scene.boris);
  const { message_id } = await scene.firstDevice.send('chat:message:send', text(chat));
  scene.link.cut();
  const started = performance.now();
  const status = async (path: string) => (await scene.app.request('GET', path)).status;
  // The last result is reused for a second.
  await until('not ready', async () => (await status('/health/ready')) === 503);
  expect(await status('/health/live')).toBe(200);
  const chat_id = chat.id;
  for (const answer of [
    await scene.firstDevice.send('chat:message:send', text(chat)),
    await scene.firstDevice.send('chat:message:edit', { message_id, content: 'x' }),
    await scene.firstDevice.send('chat:message:delete', { message_id }),
    await scene.firstDevice.send('chat:message:react', { message_id, emoji: '👍', on: true }),
    await scene.firstDevice.send('chat:message:pin', { message_id }),
    await scene.firstDevice.send('chat:pins', { chat_id }),
    await scene.firstDevice.send('chat:message:forward', { message_ids: [message_id], to_chat_id: chat_id }),
    await scene.firstDevice.send('chat:mute', { chat_id, muted: true }),
    await scene.firstDevice.send('chat:archive', { chat_id, archived: true }),
    await scene.secondDevice.send('chat:message:read', { message_id, chat_id }),
    await scene.secondDevice.send('chat:join', { chat_id }),
    await scene.secondDevice.send('chat:typing', { chat_id, is_typing: true }),
    await scene.secondDevice.send('chat:get', { recipient_id: scene.anna.id }),
    await scene.secondDevice.send('users:list', {}),
    await scene.secondDevice.send('presence:get', { user_ids: [scene.anna.id] }),
  ])
    expect(answer.code).toBe('UNAVAILABLE');
  for (const path of ['users/me', 'chats', 'sync', `chats/${chat_id}/messages`]) {
    const { status, body } = await scene.app.request('GET', path, scene.anna.token);
    expect([path, status, body.code]).toEqual([path, 503, 'UNAVAILABLE']);
  }
  const late = scene.app.keep(Device.open(scene.app.url, scene.boris.token));
  await late.next('error', ({ code }) => code === 'UNAVAILABLE');
  expect(performance.now() - started).toBeLessThan(10_000);
  expect([scene.firstDevice.socket.connected, scene.secondDevice.socket.connected]).toEqual([true, true]);
  await scene.comesBack();
  expect((await scene.firstDevice.send('chat:message:send', text(chat))).status).toBe('sent');
  expect((await scene.app.device(scene.boris)).socket.connected).toBe(true);
});

it('a device that connects while the database is unavailable is admitted by itself afterwards', async () => {
  scene.link.cut();
  const options = { reconnection: true, reconnectionDelay: 50, reconnectionDelayMax: 100 };
  const device = scene.app.keep(Device.open(scene.app.url, scene.boris.token, options));
  await device.next('error', ({ code }) => code === 'UNAVAILABLE');
  scene.link.mend();
  await device.next('sync:required');
});

it('a messenger client that connects meanwhile retries, and is not sent to its sign-in page', async () => {
  scene.link.cut();
  const client = PlainClient.open(`${scene.app.url}/messenger`, {
    auth: { token: `Bearer ${scene.boris.token}` },
    transports: ['websocket'],
  });
  const refusals: string[] = [];
  client.socket.on('connect_error', ({ message }) => {
    refusals.push(message);
    setTimeout(() => client.socket.connect(), 100);
  });
  // As in its specification. Together with Socket.IO's own reconnect the client would hang.
  client.socket.on('disconnect', () => client.socket.connect());
  await until('three refusals', () => refusals.length >= 3);
  await scene.comesBack();
  await client.next('connection:established');
  expect(refusals).not.toContain('User not found');
  client.socket.off('disconnect');
  client.close();
});

it('a refused send was not stored', async () => {
  const chat = await scene.app.group(scene.anna, scene.boris);
  scene.link.cut();
  const client_id = randomUUID();
  const { code } = await scene.firstDevice.send('chat:message:send', text(chat, 'x', { client_id }));
  expect(code).toBe('UNAVAILABLE');
  await scene.comesBack();
  expect(await contents(chat)).toEqual([]);
  await sleep(1200);
  await scene.secondDevice.settled();
  expect(receivedIn(scene.secondDevice, chat)).toEqual([]);
});
