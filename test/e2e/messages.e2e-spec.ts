import type { ChatDto, SendMessageAck } from '#contracts';
import { Device, TestApp, text, type Account } from '#testing';

let app: TestApp;
/** Another node on the same database. */
let other: TestApp;
let anna: Account;
let boris: Account;
let vera: Account;
beforeAll(async () => {
  app = await TestApp.start();
  // It has no Redis, so its devices receive only its own events.
  other = await TestApp.start({ DATABASE_URL: app.databaseUrl, REDIS_URL: '' });
  [anna, boris, vera] = await app.people('Анна', 'Борис', 'Вера');
});
afterAll(async () => {
  await other.stop();
  await app.stop();
});

const range = (length: number) => Array.from({ length }, (_, i) => i);
const seqs = (messages: { seq: number }[]) => messages.map(({ seq }) => seq);
const receivedIn = (device: Device, chat: ChatDto) =>
  device.all('chat:message:new').filter(({ chat_id }) => chat_id === chat.id);

describe('a message', () => {
  it('is committed before it is acknowledged', async () => {
    const chat = await app.chat(anna, boris);
    const device = await app.device(anna);
    for (const i of range(20)) {
      const ack = await device.send('chat:message:send', text(chat, `number ${i}`));
      const stored = await app.rows('SELECT content FROM messages WHERE id = $1', [ack.message_id]);
      expect(stored).toEqual([{ content: `number ${i}` }]);
    }
  });

  it('reaches every device of every member once, the sending one too, and no stranger', async () => {
    const chat = await app.group(anna, boris);
    const [sending, second, borisDevice, borisSecondDevice, stranger] = await app.devices(
      anna,
      anna,
      boris,
      boris,
      vera,
    );
    await borisDevice.send('chat:join', { chat_id: chat.id });
    await borisSecondDevice.send('chat:leave', { chat_id: chat.id });
    const payload = text(chat, 'Hello!', { client_id: 'phone-1' });
    const ack = await sending.send('chat:message:send', payload);
    expect(ack).toEqual({
      status: 'sent',
      message_id: expect.any(String),
      created_at: expect.any(String),
      seq: 1,
      client_id: 'phone-1',
    });
    const received = {
      id: ack.message_id,
      chat_id: chat.id,
      sender_id: anna.id,
      sender_name: 'Анна',
      sender_avatar: null,
      type: 'text',
      content: 'Hello!',
      metadata: {},
      created_at: ack.created_at,
      status: 'sent',
      seq: 1,
      change_seq: 0,
      reply_to: null,
      forwarded_from: null,
      edited_at: null,
      pinned_at: null,
      deleted_at: null,
      reactions: [],
    };
    for (const device of [sending, second, borisDevice, borisSecondDevice, stranger]) await device.settled();
    for (const device of [sending, second])
      expect(receivedIn(device, chat)).toEqual([{ ...received, client_id: 'phone-1' }]);
    for (const device of [borisDevice, borisSecondDevice])
      expect(receivedIn(device, chat)).toEqual([received]);
    expect(stranger.received.filter(({ event }) => event.startsWith('chat:'))).toEqual([]);
  });

  it('works without a callback, as in the sample client of the specification', async () => {
    const chat = await app.chat(anna, boris);
    const [annaDevice, borisDevice] = await app.devices(anna, boris);
    annaDevice.socket.emit('chat:message:send', text(chat, 'without a callback'));
    const received = await borisDevice.next(
      'chat:message:new',
      ({ content }) => content === 'without a callback',
    );
    borisDevice.socket.emit('chat:message:read', { chat_id: chat.id, message_id: received.id });
    await annaDevice.next('chat:message:read', ({ message_id }) => message_id === received.id);
    expect([...annaDevice.all('error'), ...borisDevice.all('error')]).toEqual([]);
  });

  it('can be sent by REST, too', async () => {
    const chat = await app.chat(anna, vera);
    const device = await app.device(vera);
    const body = { type: 'text', content: 'by REST', client_id: 'rest-1' };
    const sent = await app.request<SendMessageAck>('POST', `chats/${chat.id}/messages`, anna.token, body);
    expect([sent.status, sent.body.status]).toEqual([201, 'sent']);
    const received = await device.next('chat:message:new', ({ id }) => id === sent.body.message_id);
    expect(received).toMatchObject({ content: 'by REST', seq: sent.body.seq });
    const again = await app.request<SendMessageAck>('POST', `chats/${chat.id}/messages`, anna.token, body);
    expect(again.body).toEqual(sent.body);
  });
});

describe('seq', () => {
  it('has no gaps under 200 concurrent sends on two nodes, and is the order of delivery', async () => {
    const chat = await app.group(anna, boris, vera);
    const devices = await app.devices(anna, boris, vera, boris);
    const away = await other.devices(anna, boris);
    const senders = [...devices, ...away];
    const acks = await Promise.all(
      range(200).map((i) => senders[i % senders.length]!.send('chat:message:send', text(chat, `m${i}`))),
    );
    expect(seqs(acks).sort((a, b) => a - b)).toEqual(range(200).map((i) => i + 1));
    const history = await app.history(anna, chat.id);
    expect(seqs(history)).toEqual(range(200).map((i) => i + 1));
    const idOf = new Map(acks.map(({ message_id, seq }) => [seq, message_id]));
    expect(history.every(({ id, seq }) => idOf.get(seq) === id)).toBe(true);
    for (const device of senders) {
      await device.settled();
      const received = seqs(receivedIn(device, chat));
      expect(received).toEqual([...new Set(received)].sort((a, b) => a - b));
    }
    const numbers = [devices[0], away[0]].flatMap((device) => seqs(receivedIn(device, chat)));
    expect(numbers.sort((a, b) => a - b)).toEqual(range(200).map((i) => i + 1));
  });

  it('follows the order in which one device sends', async () => {
    const chat = await app.chat(boris, vera);
    const device = await app.device(boris);
    const before = (await app.history(boris, chat.id)).length;
    const acks = await Promise.all(
      range(60).map((i) => {
        // Every third needs a lookup first, and must not fall behind.
        const share = { chat_id: chat.id, type: 'profile_share', content: anna.id };
        return device.send('chat:message:send', i % 3 === 0 ? share : text(chat, `m${i}`));
      }),
    );
    expect(seqs(acks)).toEqual(range(60).map((i) => before + i + 1));
  });

  it('is not consumed by a refused send', async () => {
    const chat = await app.group(anna, boris);
    const [annaDevice, stranger] = await app.devices(anna, vera);
    const sends = range(30).map((i) =>
      (i % 3 === 1 ? stranger : annaDevice).send(
        'chat:message:send',
        text(chat, `m${i}`, i % 3 === 2 ? { reply_to: chat.id } : {}),
      ),
    );
    const acks = await Promise.all(sends);
    expect(acks.filter((_, i) => i % 3 === 1).every(({ code }) => code === 'FORBIDDEN')).toBe(true);
    expect(acks.filter((_, i) => i % 3 === 2).every(({ code }) => code === 'INVALID_DATA')).toBe(true);
    expect(seqs(await app.history(anna, chat.id))).toEqual(range(10).map((i) => i + 1));
  });
});

describe('client_id', () => {
  it('makes 20 concurrent sends on two nodes one message, received once', async () => {
    const chat = await app.group(anna, boris);
    const [annaDevice, borisDevice] = await app.devices(anna, boris);
    const [away] = await other.devices(anna);
    const payload = text(chat, 'once', { client_id: 'same' });
    const acks = await Promise.all(
      range(20).map((i) => (i % 2 ? annaDevice : away).send('chat:message:send', payload)),
    );
    expect(new Set(acks.map((ack) => JSON.stringify(ack))).size).toBe(1);
    expect(acks[0]).toMatchObject({ status: 'sent', seq: 1, client_id: 'same' });
    expect(await app.history(anna, chat.id)).toHaveLength(1);
    const next = await annaDevice.send('chat:message:send', text(chat, 'next'));
    expect(next.seq).toBe(2);
    for (const device of [annaDevice, borisDevice, away]) await device.settled();
    expect(
      receivedIn(borisDevice, chat).filter(({ content }) => content === 'once').length,
    ).toBeLessThanOrEqual(1);
    expect(receivedIn(annaDevice, chat).length + receivedIn(away, chat).length).toBe(2);
  });

  it('returns the first message for ever, whatever is sent with it later', async () => {
    const chat = await app.chat(anna, boris);
    const device = await app.device(anna);
    const first = await device.send('chat:message:send', text(chat, 'first', { client_id: 'c' }));
    await device.send('chat:message:delete', { message_id: first.message_id });
    const later = await device.send('chat:message:send', text(chat, 'later', { client_id: 'c' }));
    expect(later).toEqual(first);
  });

  it('does not affect new messages that arrive together with a repeated one', async () => {
    const chat = await app.group(anna, boris);
    const [annaDevice, borisDevice] = await app.devices(anna, boris);
    const first = await annaDevice.send('chat:message:send', text(chat, 'first', { client_id: 'again' }));
    const acks = await Promise.all(
      ['a', 'b', 'again', 'c', 'd', 'again'].map((client_id) =>
        annaDevice.send('chat:message:send', text(chat, client_id, { client_id })),
      ),
    );
    expect(acks.map(({ seq }) => seq)).toEqual([2, 3, 1, 4, 5, 1]);
    expect([acks[2], acks[5]]).toEqual([first, first]);
    await borisDevice.settled();
    expect(receivedIn(borisDevice, chat).map(({ content }) => content)).toEqual([
      'first',
      'a',
      'b',
      'c',
      'd',
    ]);
  });

  it('is scoped to its sender and its chat', async () => {
    const [direct, group] = [await app.chat(anna, boris), await app.group(anna, boris)];
    const [annaDevice, borisDevice] = await app.devices(anna, boris);
    const sends = [
      await annaDevice.send('chat:message:send', text(direct, 'x', { client_id: 'shared' })),
      await borisDevice.send('chat:message:send', text(direct, 'x', { client_id: 'shared' })),
      await annaDevice.send('chat:message:send', text(group, 'x', { client_id: 'shared' })),
    ];
    expect(new Set(sends.map(({ message_id }) => message_id)).size).toBe(3);
  });

  it('may be null, as some apps send it: each send is a message then', async () => {
    const chat = await app.group(anna, boris);
    const device = await app.device(anna);
    const nothing = { client_id: null, reply_to: null, metadata: null };
    const acks = await Promise.all(
      range(10).map((i) => device.send('chat:message:send', text(chat, `m${i}`, nothing))),
    );
    expect(seqs(acks).sort((a, b) => a - b)).toEqual(range(10).map((i) => i + 1));
    expect(acks.some((ack) => 'client_id' in ack)).toBe(false);
    await device.settled();
    expect(receivedIn(device, chat)).toHaveLength(10);
  });
});

it('reply_to must name a message of the same chat', async () => {
  const [direct, group] = [await app.chat(anna, boris), await app.group(anna, boris)];
  const [annaDevice, borisDevice] = await app.devices(anna, boris);
  const { message_id } = await annaDevice.send('chat:message:send', text(direct, 'a question'));
  const answer = await borisDevice.send(
    'chat:message:send',
    text(direct, 'an answer', { reply_to: message_id }),
  );
  const received = await annaDevice.next('chat:message:new', ({ id }) => id === answer.message_id);
  expect(received.reply_to).toBe(message_id);
  const elsewhere = await borisDevice.send('chat:message:send', text(group, 'x', { reply_to: message_id }));
  expect([elsewhere.code, elsewhere.details?.[0]?.field]).toEqual(['INVALID_DATA', 'reply_to']);
});
