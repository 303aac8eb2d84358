import { MAX_FORWARDED, type ChatDto, type MessageDto } from '#contracts';
import { Device, TestApp, text, type Account } from '#testing';
import { randomUUID } from 'node:crypto';

let app: TestApp;
let anna: Account;
let boris: Account;
let vera: Account;
/** The chats of Anna and Boris, and of Anna and Vera; new for each test. */
let source: ChatDto;
let target: ChatDto;
let annaDevice: Device;
let borisDevice: Device;
let veraDevice: Device;
beforeAll(async () => {
  app = await TestApp.start();
  [anna, boris, vera] = await app.people('Анна', 'Борис', 'Вера');
  [annaDevice, borisDevice, veraDevice] = await app.devices(anna, boris, vera);
});
afterAll(() => app.stop());
beforeEach(async () => {
  [source, target] = await Promise.all([app.group(anna, boris), app.group(anna, vera)]);
});

const say = async (device: Device, content: string, chat = source) =>
  (await device.send('chat:message:send', text(chat, content))).message_id;
const forward = (device: Device, message_ids: string[], more: object = {}) =>
  device.send('chat:message:forward', { message_ids, to_chat_id: target.id, ...more });
const receivedIn = (device: Device, chat = target) =>
  device.all('chat:message:new').filter(({ chat_id }) => chat_id === chat.id);
/** The contents stored in the target and the contents received from it, each in order. */
const contents = async () => {
  await veraDevice.settled();
  const stored = (await app.history(anna, target.id)).map(({ content }) => content);
  expect(receivedIn(veraDevice).map(({ content }) => content)).toEqual(stored);
  return stored;
};

it('a forward names the first sender, keeps the requested order after the comment, and commits as one group', async () => {
  const ids = [await say(borisDevice, 'one'), await say(annaDevice, 'two'), await say(borisDevice, 'three')];
  const originals = await app.history(anna, source.id);
  const { status, items } = await forward(annaDevice, [ids[2]!, ids[0]!, ids[1]!], { comment: 'Look' });
  expect([status, items.map(({ content }) => content)]).toEqual(['ok', ['three', 'one', 'two']]);
  expect(items.map(({ seq }) => seq)).toEqual([2, 3, 4]);
  const [first] = items;
  expect(first).toMatchObject({
    chat_id: target.id,
    sender_id: anna.id,
    sender_name: 'Анна',
    status: 'sent',
  });
  const original = originals.find(({ id }) => id === ids[2])!;
  expect(first!.forwarded_from).toEqual({
    message_id: original.id,
    sender_id: boris.id,
    sender_name: 'Борис',
    created_at: original.created_at,
  });
  expect(await contents()).toEqual(['Look', 'three', 'one', 'two']);
  expect(receivedIn(veraDevice).slice(1)).toEqual(items);
  expect(receivedIn(annaDevice)).toEqual(receivedIn(veraDevice));
  const stored = await app.history(vera, target.id);
  expect(stored.map(({ forwarded_from }) => forwarded_from)).toEqual([
    null,
    ...items.map(({ forwarded_from }) => forwarded_from),
  ]);
  expect(stored[0]).toMatchObject({ sender_id: anna.id, type: 'text', content: 'Look' });
  expect(
    await app.rows('SELECT DISTINCT xmin::text FROM messages WHERE chat_id = $1', [target.id]),
  ).toHaveLength(1);
  // The source chat receives nothing.
  expect(await app.history(anna, source.id)).toMatchObject([{ seq: 1 }, { seq: 2 }, { seq: 3 }]);
});

it('a forward of a forward names the first sender', async () => {
  const id = await say(borisDevice, 'from afar');
  const [once] = (await forward(annaDevice, [id])).items;
  const next = await app.group(vera, boris);
  const [twice] = (await forward(veraDevice, [once!.id], { to_chat_id: next.id })).items;
  expect(twice).toMatchObject({ sender_id: vera.id, content: 'from afar' });
  expect(twice!.forwarded_from).toEqual(once!.forwarded_from);
  expect(twice!.forwarded_from).toMatchObject({ message_id: id, sender_id: boris.id });
});

it('any type keeps its metadata, but loses reactions, replies, edits and pins', async () => {
  const photo = await borisDevice.send('chat:message:send', {
    chat_id: source.id,
    type: 'photo',
    content: 'https://example.com/1.jpg',
    metadata: { width: 1, height: 2, colour: 'red' },
  });
  const reply = await borisDevice.send(
    'chat:message:send',
    text(source, 'befor', { reply_to: photo.message_id }),
  );
  await borisDevice.send('chat:message:edit', { message_id: reply.message_id, content: 'before' });
  await annaDevice.send('chat:message:react', { message_id: reply.message_id, emoji: '👍', on: true });
  await annaDevice.send('chat:message:pin', { message_id: reply.message_id });
  const { items } = await forward(annaDevice, [photo.message_id, reply.message_id]);
  expect(items).toMatchObject([
    { type: 'photo', content: 'https://example.com/1.jpg', metadata: { width: 1, height: 2, colour: 'red' } },
    { content: 'before', reply_to: null, edited_at: null, pinned_at: null, reactions: [], change_seq: 0 },
  ]);
  expect(await app.history(vera, target.id)).toEqual(
    items.map((item) => expect.objectContaining({ ...item, status: expect.any(String) })),
  );
});

it('a forward counts as unread and moves the chat up the list, as a send does', async () => {
  await forward(annaDevice, [await say(borisDevice, 'a'), await say(borisDevice, 'b')], { comment: 'both' });
  const chat = async (account: Account) =>
    (await app.request<ChatDto>('GET', `chats/${target.id}`, account.token)).body;
  expect(await chat(vera)).toMatchObject({ unread_count: 3, last_seq: 3, last_message: { content: 'b' } });
  expect(await chat(anna)).toMatchObject({ unread_count: 0 });
});

describe('a forward is refused as a whole and stores nothing', () => {
  let ids: string[];
  beforeEach(async () => {
    ids = [await say(borisDevice, 'one'), await say(borisDevice, 'two')];
  });
  afterEach(async () => {
    expect(await contents()).toEqual([]);
    expect(await app.rows('SELECT last_seq FROM chats WHERE id = $1', [target.id])).toEqual([
      { last_seq: 0 },
    ]);
  });

  it('with a message of a chat that the user is not in, or has left', async () => {
    const theirs = await app.group(boris, vera);
    const foreign = await say(borisDevice, 'between us', theirs);
    expect((await forward(annaDevice, [...ids, foreign], { comment: 'x' })).code).toBe('FORBIDDEN');
    await app.request('POST', `chats/${theirs.id}/members`, boris.token, { user_ids: [anna.id] });
    await app.request('DELETE', `chats/${theirs.id}/members/${anna.id}`, anna.token);
    // She may read it still, but not forward it.
    expect(await app.history(anna, theirs.id)).toHaveLength(1);
    expect((await forward(annaDevice, [...ids, foreign])).code).toBe('FORBIDDEN');
  });

  it('with an unknown or deleted message', async () => {
    expect((await forward(annaDevice, [...ids, randomUUID()])).code).toBe('NOT_FOUND');
    await borisDevice.send('chat:message:delete', { message_id: ids[1]! });
    expect((await forward(annaDevice, ids, { comment: 'x' })).code).toBe('NOT_FOUND');
  });

  it('to an unknown chat, a foreign chat, or a chat the user left', async () => {
    expect((await forward(annaDevice, ids, { to_chat_id: randomUUID() })).code).toBe('CHAT_NOT_FOUND');
    expect((await forward(borisDevice, ids)).code).toBe('FORBIDDEN');
    const left = await app.group(boris, anna);
    await app.request('DELETE', `chats/${left.id}/members/${anna.id}`, anna.token);
    expect((await forward(annaDevice, ids, { to_chat_id: left.id })).code).toBe('FORBIDDEN');
    expect(await app.history(boris, left.id)).toEqual([]);
  });

  it('to a user across a block', async () => {
    const direct = await app.chat(anna, vera);
    await app.request('PUT', `users/${anna.id}/block`, vera.token);
    expect((await forward(annaDevice, ids, { to_chat_id: direct.id })).code).toBe('FORBIDDEN');
    expect(await app.history(anna, direct.id)).toEqual([]);
    await app.request('DELETE', `users/${anna.id}/block`, vera.token);
  });

  it('with 51 messages, no message, or a comment that is not text', async () => {
    const many = Array.from({ length: MAX_FORWARDED + 1 }, () => randomUUID());
    for (const [payload, field] of [
      [{ message_ids: many }, 'message_ids'],
      [{ message_ids: [] }, 'message_ids'],
      [{ message_ids: 'x' }, 'message_ids'],
      [{ message_ids: [null] }, 'message_ids'],
      [{ comment: '' }, 'comment'],
      [{ comment: ' \n' }, 'comment'],
      [{ comment: 1 }, 'comment'],
      [{ client_id: '' }, 'client_id'],
      [{ client_id: 'x'.repeat(65) }, 'client_id'],
    ] as const) {
      const { code, details } = await forward(annaDevice, ids, payload);
      expect([payload, code, details?.[0]?.field]).toEqual([payload, 'INVALID_DATA', field]);
    }
    expect((await forward(annaDevice, ids, { comment: 'x'.repeat(4001) })).code).toBe('MESSAGE_TOO_LARGE');
  });
});

it('50 messages are forwarded at once', async () => {
  const ids = await Promise.all(Array.from({ length: MAX_FORWARDED }, (_, i) => say(borisDevice, `m${i}`)));
  const { items } = await forward(annaDevice, ids, { comment: 'all', client_id: 'x'.repeat(64) });
  expect(items.map(({ content }) => content)).toEqual(
    Array.from({ length: MAX_FORWARDED }, (_, i) => `m${i}`),
  );
  expect(items.map(({ seq }) => seq)).toEqual(Array.from({ length: MAX_FORWARDED }, (_, i) => i + 2));
});

it('a forward costs as much of the rate limit as it has messages, the comment included', async () => {
  const strict = await TestApp.start({ MESSAGE_RATE: '1', MESSAGE_BURST: '10' });
  try {
    const [a, b] = await strict.people('А', 'Б');
    const [device] = await strict.devices(a);
    const chat = await strict.group(a, b);
    const ids: string[] = [];
    for (let i = 0; i < 3; i++)
      ids.push((await device.send('chat:message:send', text(chat, `m${i}`))).message_id);
    const again = () =>
      device.send('chat:message:forward', { message_ids: ids, to_chat_id: chat.id, comment: 'x' });
    expect((await again()).status).toBe('ok');
    const refused = await again();
    expect(refused.code).toBe('RATE_LIMIT');
    expect(refused.retry_after_ms).toBeGreaterThan(0);
    expect(await strict.history(a, chat.id)).toHaveLength(7);
  } finally {
    await strict.stop();
  }
});

it('a forward works when it has more messages than the allowed burst', async () => {
  const strict = await TestApp.start({ MESSAGE_RATE: '10', MESSAGE_BURST: '2' });
  try {
    const [a, b] = await strict.people('А', 'Б');
    const [device] = await strict.devices(a);
    const chat = await strict.group(a, b);
    const { message_id } = await device.send('chat:message:send', text(chat));
    const payload = { message_ids: [message_id], to_chat_id: chat.id, comment: 'x' };
    await new Promise((resolve) => setTimeout(resolve, 300));
    const { items } = await device.send('chat:message:forward', payload);
    await new Promise((resolve) => setTimeout(resolve, 300));
    const message_ids = [message_id, items[0]!.id];
    const more = await device.send('chat:message:forward', { ...payload, message_ids });
    expect(more.items).toHaveLength(2);
    expect((await device.send('chat:message:forward', payload)).code).toBe('RATE_LIMIT');
  } finally {
    await strict.stop();
  }
});

describe('with a client_id', () => {
  it('is done once, whatever happened to the messages since, and repeats get the first answer', async () => {
    const ids = [await say(borisDevice, 'one'), await say(borisDevice, 'two')];
    const more = { comment: 'Look', client_id: 'f' };
    const first = await forward(annaDevice, ids, more);
    const own = receivedIn(annaDevice).map(({ client_id }) => client_id);
    expect(own).toEqual(['f/0', 'f/1', 'f/2']);
    await borisDevice.send('chat:message:delete', { message_id: ids[0]! });
    await app.request('DELETE', `chats/${source.id}/members/${anna.id}`, anna.token);
    const again = await forward(annaDevice, ids, more);
    const fewer = await forward(annaDevice, [ids[1]!], { client_id: 'f' });
    const others = await forward(annaDevice, [randomUUID()], { client_id: 'f' });
    for (const { status, items } of [again, fewer, others]) {
      expect(status).toBe('ok');
      expect(items.map(({ id, seq, content }) => [id, seq, content])).toEqual(
        first.items.map(({ id, seq, content }) => [id, seq, content]),
      );
    }
    expect(await contents()).toEqual(['Look', 'one', 'two']);
    expect(receivedIn(veraDevice).some((message) => 'client_id' in message)).toBe(false);
    // The same client_id of another sender, or in another chat, is independent.
    const theirs = await say(veraDevice, 'theirs', target);
    expect((await forward(veraDevice, [theirs], { client_id: 'f' })).items).toMatchObject([{ seq: 5 }]);
  });

  it('is done once when ten of different lengths arrive at once', async () => {
    const ids: string[] = [];
    for (const content of ['one', 'two', 'three']) ids.push(await say(borisDevice, content));
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, i) =>
        forward(annaDevice, ids.slice(0, 1 + (i % 3)), { client_id: 'race', ...(i % 2 && { comment: 'c' }) }),
      ),
    );
    const [first] = answers;
    for (const { items } of answers)
      expect(items.map(({ id }) => id)).toEqual(first!.items.map(({ id }) => id));
    expect(await contents()).toEqual(['one']);
  });

  it('is refused when another message has its client_id', async () => {
    await annaDevice.send('chat:message:send', text(target, 'plain', { client_id: 'g/1' }));
    const { code, details } = await forward(annaDevice, [await say(borisDevice, 'one')], { client_id: 'g' });
    expect([code, details?.[0]?.field]).toEqual(['INVALID_DATA', 'client_id']);
    expect(await contents()).toEqual(['plain']);
  });
});

it('20 forwards and 20 sends at once stay whole, without gaps, and arrive in order', async () => {
  const ids = [await say(borisDevice, 'a'), await say(borisDevice, 'b'), await say(borisDevice, 'c')];
  const forwards = Array.from({ length: 20 }, (_, i) => forward(annaDevice, ids, { comment: `f${i}` }));
  const sends = Array.from({ length: 20 }, (_, i) => say(i % 2 ? annaDevice : veraDevice, `s${i}`, target));
  const answers = await Promise.all(forwards);
  await Promise.all(sends);
  for (const { items } of answers) {
    const [{ seq }] = items as [MessageDto];
    expect(items.map((item) => item.seq)).toEqual([seq, seq + 1, seq + 2]);
  }
  for (const device of [annaDevice, veraDevice]) {
    await device.settled();
    expect(receivedIn(device).map(({ seq }) => seq)).toEqual(Array.from({ length: 100 }, (_, i) => i + 1));
  }
  const stored = await contents();
  expect(stored.filter((content) => content.startsWith('f'))).toEqual(
    Array.from({ length: 20 }, (_, i) => `f${i}`),
  );
  for (const [i, content] of stored.entries())
    if (content.startsWith('f')) expect(stored.slice(i + 1, i + 4)).toEqual(['a', 'b', 'c']);
});

it('sends and forwards of one device keep their order', async () => {
  const id = await say(borisDevice, 'forwarded');
  await Promise.all(
    Array.from({ length: 10 }, (_, i) => [
      say(annaDevice, `before ${i}`, target),
      forward(annaDevice, [id], { comment: `comment ${i}` }),
      say(annaDevice, `after ${i}`, target),
    ]).flat(),
  );
  expect(await contents()).toEqual(
    Array.from({ length: 10 }, (_, i) => [`before ${i}`, `comment ${i}`, 'forwarded', `after ${i}`]).flat(),
  );
});

it('one’s own forward cannot be edited, but deleted', async () => {
  const [item] = (await forward(annaDevice, [await say(annaDevice, 'mine')])).items;
  const message_id = item!.id;
  expect((await annaDevice.send('chat:message:edit', { message_id, content: 'his words?' })).code).toBe(
    'FORBIDDEN',
  );
  expect((await app.history(vera, target.id))[0]!.content).toBe('mine');
  expect((await annaDevice.send('chat:message:delete', { message_id })).status).toBe('ok');
});

it('a forward works by REST, too', async () => {
  const id = await say(borisDevice, 'by REST');
  const path = `chats/${target.id}/forward`;
  const body = { message_ids: [id], comment: 'See', client_id: 'rest' };
  const first = await app.request<{ items: MessageDto[] }>('POST', path, anna.token, body);
  expect([first.status, first.body.items.map(({ content }) => content)]).toEqual([201, ['by REST']]);
  const again = await app.request<{ items: MessageDto[] }>('POST', path, anna.token, body);
  expect([again.status, again.body.items.map((item) => item.id)]).toEqual([201, [first.body.items[0]!.id]]);
  expect(await contents()).toEqual(['See', 'by REST']);
});

it('of a user across a block shows the name they had when it was forwarded', async () => {
  const gleb = await app.register('Глеб');
  const [mine, ours] = [await app.group(anna, vera), await app.group(anna, gleb)];
  const said = { type: 'text', content: 'before' };
  const path = `chats/${ours.id}/messages`;
  const { message_id } = (await app.request<{ message_id: string }>('POST', path, gleb.token, said)).body;
  await app.request('PUT', `users/${gleb.id}/block`, anna.token);
  await app.request('PATCH', 'users/me', gleb.token, { name: 'Тайна' });
  await app.request('POST', `chats/${mine.id}/forward`, anna.token, { message_ids: [message_id] });
  const [shown] = await app.history(vera, mine.id);
  expect(shown!.forwarded_from).toMatchObject({ message_id, sender_name: 'Глеб' });
});
