import { type PlainClient, TestApp, text, type Account } from '#testing';
import { randomUUID } from 'node:crypto';
import { openMessenger } from './messenger-client.js';

const open = (token: string | null) => openMessenger(`${app.url}/messenger`, token);

interface ChatMessage {
  id: string;
  [key: string]: unknown;
}

const deep = (levels: number): object => (levels === 0 ? {} : { deeper: deep(levels - 1) });

let app: TestApp;
let anna: Account;
let boris: Account;
let firstDevice: PlainClient;
let secondDevice: PlainClient;
let chatId: string;
beforeAll(async () => {
  app = await TestApp.start({ PRESENCE_GRACE_MS: '20' });
  [anna, boris] = await app.people('Анна', 'Борис');
  [firstDevice, secondDevice] = [open(anna.token), open(boris.token)];
  expect(await firstDevice.next('connection:established')).toEqual({ userId: anna.id });
  expect(await secondDevice.next('connection:established')).toEqual({ userId: boris.id });
  const { status, chat } = await firstDevice.ask<{
    status: string;
    chat: { id: string; participants: string[] };
  }>('chat:get', { recipientId: boris.id });
  expect(status).toBe('ok');
  expect(chat.participants.sort()).toEqual([anna.id, boris.id].sort());
  chatId = chat.id;
});
afterAll(async () => {
  firstDevice.close();
  secondDevice.close();
  await app.stop();
});

const say = (client: PlainClient, content: string) => client.ask<ChatMessage>('message', { chatId, content });

it('the messenger dialect gives a message a status, and sends it to everybody once', async () => {
  const sent = await say(firstDevice, 'Добрый вечер');
  expect(sent).toMatchObject({
    chatId,
    senderId: anna.id,
    content: 'Добрый вечер',
    createdAt: expect.any(String),
  });
  await firstDevice.next('message:ack', ({ messageId }) => messageId === sent.id);
  const shown = { ...sent, status: 'SENT', deliveryStatus: 'SENT' };
  expect(await secondDevice.next('message', ({ id }) => id === sent.id)).toEqual(shown);
  expect(await firstDevice.next('message', ({ id }) => id === sent.id)).toEqual(shown);
  await firstDevice.next(
    'message:status',
    (status) => status.messageId === sent.id && status.status === 'DELIVERED',
  );
  expect(await secondDevice.ask('message:read', { messageId: sent.id })).toEqual({ status: 'ok' });
  await firstDevice.next(
    'message:status',
    (status) => status.messageId === sent.id && status.status === 'READ',
  );
  for (const client of [firstDevice, secondDevice])
    expect(client.all('message').filter(({ id }) => id === sent.id)).toHaveLength(1);
});

it('the messenger dialect marks each message up to the read one as READ, once', async () => {
  const sent = [
    await say(firstDevice, 'eins'),
    await say(firstDevice, 'zwei'),
    await say(firstDevice, 'drei'),
  ];
  await secondDevice.ask('message:read', { messageId: sent[2]!.id });
  await secondDevice.ask('message:read', { messageId: sent[1]!.id });
  await firstDevice.next(
    'message:status',
    ({ messageId, status }) => messageId === sent[2]!.id && status === 'READ',
  );
  const statuses = (id: string) =>
    firstDevice.all('message:status').flatMap(({ messageId, status }) => (messageId === id ? [status] : []));
  for (const { id } of sent) expect(statuses(id).filter((status) => status === 'READ')).toHaveLength(1);
});

it('the messenger dialect never lowers a status in a group when another member receives a message later', async () => {
  const vera = await app.register('Вера');
  const group = await app.group(anna, boris, vera);
  const { id } = await firstDevice.ask<ChatMessage>('message', { chatId: group.id, content: 'Wer kommt?' });
  await secondDevice.ask('message:read', { messageId: id });
  await firstDevice.next('message:status', ({ messageId, status }) => messageId === id && status === 'READ');
  const late = open(vera.token);
  await late.ask('chat:join', { chatId: group.id });
  await firstDevice.next('message-delivered', (event) => event.messageId === id && event.userId === vera.id);
  const received = firstDevice.all('message:status').filter(({ messageId }) => messageId === id);
  expect(received.map(({ status }) => status)).toEqual(['DELIVERED', 'READ']);
  late.close();
});

it('the messenger dialect marks the newest message of a large group as READ', async () => {
  const manyPeople = (await app.manyPeople(40)).map((id) => ({ id }));
  const group = await app.group(anna, boris, ...manyPeople);
  await firstDevice.ask('message', { chatId: group.id, content: 'Alle da?' });
  const { id } = await firstDevice.ask<ChatMessage>('message', { chatId: group.id, content: 'Los geht’s' });
  await secondDevice.ask('message:read', { messageId: id });
  await firstDevice.next('message:status', ({ messageId, status }) => messageId === id && status === 'READ');
  const receipts = firstDevice.all('message-delivered').filter((event) => event.chatId === group.id);
  expect(receipts.at(-1)).toEqual({ messageId: id, chatId: group.id });
});

it('the messenger dialect receives nothing more of a group that its user was removed from', async () => {
  const group = await app.group(anna, boris);
  const { id } = await firstDevice.ask<ChatMessage>('message', { chatId: group.id, content: 'noch da' });
  await secondDevice.next('message', (message) => message.id === id);
  const { body } = await app.request('DELETE', `chats/${group.id}/members/${boris.id}`, anna.token);
  expect(body).toEqual({});
  await firstDevice.ask('message', { chatId: group.id, content: 'ohne ihn' });
  await secondDevice.ask('users:list');
  expect(secondDevice.all('message').filter((message) => message.chatId === group.id)).toHaveLength(1);
});

it('the messenger dialect delivers on chat:join the messages that arrived while the user was offline', async () => {
  const vera = await app.register('Вера');
  const { body: chat } = await app.request<{ id: string }>('POST', 'chats', anna.token, {
    type: 'direct',
    participant_ids: [vera.id],
  });
  const sent = await firstDevice.ask<ChatMessage>('message', { chatId: chat.id, content: 'Wo bist du?' });
  expect(sent.status).toBe('SENT');
  const theirs = open(vera.token);
  await theirs.next('connection:established');
  const joined = await theirs.ask<{ messages: ChatMessage[] }>('chat:join', { chatId: chat.id });
  expect(joined).toMatchObject({ status: 'ok', message: 'Joined chat room successfully' });
  expect(joined.messages.map(({ content }) => content)).toEqual(['Wo bist du?']);
  await firstDevice.next(
    'message:status',
    ({ messageId, status }) => messageId === sent.id && status === 'DELIVERED',
  );
  expect(await theirs.ask('chat:leave', { chatId: chat.id })).toEqual({ success: true });
  theirs.close();
});

it('the messenger dialect lists users and publishes their presence on all of their devices', async () => {
  const gleb = await app.register('Глеб');
  const [phone, laptop] = [open(gleb.token), open(gleb.token)];
  await Promise.all([phone.next('connection:established'), laptop.next('connection:established')]);
  await firstDevice.next('users:update', ({ userId, isOnline }) => userId === gleb.id && isOnline === true);
  const { users } = await firstDevice.ask<{ users: { id: string }[] }>('users:list');
  expect(users.find(({ id }) => id === gleb.id)).toMatchObject({ name: 'Глеб', isOnline: true });
  phone.close();
  await laptop.ask('users:list');
  expect(firstDevice.all('users:update').filter(({ userId }) => userId === gleb.id)).toHaveLength(1);
  laptop.close();
  await firstDevice.next('users:update', ({ userId, isOnline }) => userId === gleb.id && isOnline === false);
});

it('the messenger dialect lists more users than a page of the newer protocol has', async () => {
  await app.manyPeople(60);
  const { users } = await firstDevice.ask<{ users: object[] }>('users:list');
  expect(users.length).toBeGreaterThan(60);
});

it('the messenger dialect pins and unpins', async () => {
  const { id: messageId } = await say(secondDevice, 'Адрес: Лесная, 5');
  // Its status does not change any more during the comparison.
  await secondDevice.next(
    'message:status',
    (received) => received.messageId === messageId && received.status === 'DELIVERED',
  );
  const pinned = await firstDevice.ask<{ status: string; message: ChatMessage }>('message:pin', {
    messageId,
  });
  expect(pinned).toMatchObject({ status: 'ok', message: { id: messageId, isPinned: true } });
  expect(await secondDevice.next('message:pinned')).toEqual(pinned.message);
  const { messages } = await secondDevice.ask<{ messages: ChatMessage[] }>('chat:get-pinned', { chatId });
  expect(messages).toEqual([pinned.message]);
  expect(await secondDevice.ask('message:unpin', { messageId })).toMatchObject({
    status: 'ok',
    message: { isPinned: false },
  });
  await firstDevice.next('message:unpinned', ({ id }) => id === messageId);
  expect(await firstDevice.ask('chat:get-pinned', { chatId })).toEqual({ status: 'ok', messages: [] });
});

it('the messenger dialect forwards one message with a comment, and several in order', async () => {
  const group = await app.group(anna, boris);
  const sent = [await say(secondDevice, 'первое'), await say(secondDevice, 'второе')];
  const one = { messageId: sent[0]!.id, toChatId: group.id, additionalContent: 'Смотрите' };
  const { status, message } = await firstDevice.ask<{ status: string; message: ChatMessage }>(
    'message:forward',
    one,
  );
  expect(status).toBe('ok');
  expect(message).toMatchObject({
    chatId: group.id,
    senderId: anna.id,
    content: 'первое',
    forwardedFrom: { messageId: sent[0]!.id, senderId: boris.id },
  });
  expect(await secondDevice.next('message', ({ id }) => id === message.id)).toMatchObject({
    content: 'первое',
  });
  const several = { messageIds: sent.map(({ id }) => id).reverse(), toChatId: group.id };
  const { messages } = await firstDevice.ask<{ messages: ChatMessage[] }>(
    'message:forward-multiple',
    several,
  );
  expect(messages.map(({ content }) => content)).toEqual(['второе', 'первое']);
  await secondDevice.next('message', ({ id }) => id === messages[1]!.id);
  const received = secondDevice.all('message').filter((m) => m.chatId === group.id);
  expect(received.map(({ content }) => content)).toEqual(['Смотрите', 'первое', 'второе', 'первое']);
});

it('the messenger dialect forwards without a comment when the input is empty', async () => {
  const { id: messageId } = await say(secondDevice, 'nur das');
  const forward = (additionalContent: unknown) =>
    firstDevice.ask('message:forward', { messageId, toChatId: chatId, additionalContent });
  for (const nothing of ['', null]) expect(await forward(nothing)).toMatchObject({ status: 'ok' });
  const { messages } = await firstDevice.ask<{ messages: ChatMessage[] }>('chat:join', { chatId });
  expect(messages.slice(-3).map(({ content }) => content)).toEqual(['nur das', 'nur das', 'nur das']);
  const message = 'additionalContent: must not be empty';
  expect(await forward(' ')).toEqual({ status: 'error', message });
});

it('the messenger dialect shows no deleted message, and a read of one counts for the message before it', async () => {
  const first = await say(firstDevice, 'bleibt');
  const { id: messageId } = await say(firstDevice, 'geht');
  await app.request('DELETE', `chats/${chatId}/messages/${messageId}`, anna.token);
  const { messages } = await secondDevice.ask<{ messages: ChatMessage[] }>('chat:join', { chatId });
  expect(messages.at(-1)!.id).toBe(first.id);
  expect(await secondDevice.ask('message:read', { messageId })).toEqual({ status: 'ok' });
  await firstDevice.next(
    'message:status',
    (event) => event.messageId === first.id && event.status === 'READ',
  );
});

it('the messenger dialect supports the event names in the code of the specification, too', async () => {
  expect(await firstDevice.next('connected')).toEqual({ userId: anna.id });
  await firstDevice.next('user-online', ({ userId }) => userId === boris.id);
  const { success, messageId } = await firstDevice.ask('send-message', { chatId, content: 'по-старому' });
  expect(success).toBe(true);
  expect(await secondDevice.next('new-message', ({ id }) => id === messageId)).toMatchObject({
    content: 'по-старому',
  });
  await firstDevice.next('message-delivered', (receipt) => receipt.messageId === messageId);
  await secondDevice.ask('typing-start', { chatId });
  await firstDevice.next('user-typing', (typing) => typing.userId === boris.id && typing.chatId === chatId);
});

describe('refusals', () => {
  let foreign: string;
  let theirs: string;
  beforeAll(async () => {
    const [gleb, dina] = await app.people('Глеб', 'Дина');
    const chat = await app.chat(gleb, dina);
    foreign = chat.id;
    const [device] = await app.devices(gleb);
    theirs = (await device.send('chat:message:send', text(chat, 'privat'))).message_id;
  });

  const stored = async () => JSON.stringify(await app.rows('SELECT * FROM messages ORDER BY id'));
  const notIn = { status: 'error', message: 'User is not a participant of this chat' };

  it.each<[string, () => object, object]>([
    ['message', () => ({ chatId: foreign, content: 'x' }), notIn],
    [
      'message',
      () => ({ chatId: randomUUID(), content: 'x' }),
      { status: 'error', message: 'Chat not found' },
    ],
    ['message', () => ({ chatId, content: '' }), { status: 'error', message: 'content must not be empty' }],
    [
      'message',
      () => ({ chat_id: chatId, content: 'x' }),
      { status: 'error', message: 'chatId must be a UUID' },
    ],
    ['chat:get', () => ({ recipientId: randomUUID() }), { status: 'error', message: 'User not found' }],
    [
      'chat:get',
      () => ({ recipient_id: boris.id }),
      { status: 'error', message: 'recipientId must be a UUID' },
    ],
    ['chat:join', () => ({ chatId: foreign }), notIn],
    ['chat:leave', () => ({ chatId: foreign }), { success: true }],
    ['message:read', () => ({ messageId: theirs }), notIn],
    ['message:read', () => ({ messageId: randomUUID() }), { status: 'error', message: 'Message not found' }],
    ['message:pin', () => ({ messageId: theirs }), notIn],
    ['message:unpin', () => ({ messageId: theirs }), notIn],
    ['message:pin', () => ({ message_id: theirs }), { status: 'error', message: 'messageId must be a UUID' }],
    ['chat:get-pinned', () => ({ chatId: foreign }), notIn],
    ['message:forward', () => ({ messageId: theirs, toChatId: chatId }), notIn],
    [
      'message:forward-multiple',
      () => ({ messageIds: Array.from({ length: 51 }, () => randomUUID()), toChatId: chatId }),
      { status: 'error', message: 'messageIds must contain no more than 50 elements' },
    ],
    ['send-message', () => ({ chatId: foreign, content: 'x' }), { success: false, error: notIn.message }],
    [
      'chat:message:send',
      () => ({ chat_id: chatId, type: 'text', content: 'x' }),
      { status: 'error', message: 'Unknown event' },
    ],
  ])('%s is refused with the errors of the specification (%#)', async (event, payload, answer) => {
    const before = await stored();
    expect(await firstDevice.ask(event, payload())).toEqual(answer);
    expect(await stored()).toBe(before);
  });

  it('refuses to forward a deleted message, or into a foreign chat', async () => {
    const { id } = await say(firstDevice, 'weg');
    const into = { messageId: id, toChatId: foreign };
    expect(await firstDevice.ask('message:forward', into)).toEqual(notIn);
    await app.request('DELETE', `chats/${chatId}/messages/${id}`, anna.token);
    const deleted = { messageId: id, toChatId: chatId };
    expect(await firstDevice.ask('message:forward', deleted)).toEqual({
      status: 'error',
      message: 'Message not found',
    });
  });

  it.each<[string, unknown, string]>([
    ['a payload over 64 KiB', { chatId: 'x', content: 'x'.repeat(70_000) }, 'Payload exceeds 64 KiB'],
    ['nothing', null, 'chatId must be a UUID'],
    ['a list', [1, 2], 'chatId must be a UUID'],
    ['text', 'hello', 'chatId must be a UUID'],
    ['deep nesting', { chatId: 'x', content: deep(100) }, 'Payload must be plain JSON'],
  ])('answers %s, and the connection stays', async (_, payload, message) => {
    expect(await firstDevice.ask('message', payload)).toEqual({ status: 'error', message });
    expect(await firstDevice.ask('message', payload, 'and another')).toMatchObject({ status: 'error' });
    expect(firstDevice.socket.connected).toBe(true);
  });

  it('sends the error event when there is no acknowledgement callback', async () => {
    secondDevice.socket.emit('message', { chatId: foreign, content: 'x' });
    expect(await secondDevice.next('error')).toMatchObject({ message: notIn.message });
  });

  it('sends a client that is not signed in to the sign-in page, so that it does not retry for ever', async () => {
    for (const token of [null, 'nonsense']) {
      const client = open(token);
      const error = await new Promise<Error>((resolve) => client.socket.once('connect_error', resolve));
      expect(error.message).toBe('User not found');
      expect(client.received).toEqual([]);
      client.close();
    }
  });
});
