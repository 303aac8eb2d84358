import { CLIENT_EVENTS, ErrorBody, type ChatDto, type ClientEvent } from '#contracts';
import { contractErrors, Device, TestApp, text, type Account } from '#testing';
import { randomUUID } from 'node:crypto';

const EVENTS = Object.keys(CLIENT_EVENTS) as ClientEvent[];

let app: TestApp;
let anna: Account;
let chat: ChatDto;
let foreign: ChatDto;
let message: string;
let device: Device;
let stored: string;
beforeAll(async () => {
  app = await TestApp.start();
  const [a, boris, vera] = await app.people('Анна', 'Борис', 'Вера');
  anna = a;
  chat = await app.chat(anna, boris);
  foreign = await app.chat(boris, vera);
  [device] = await app.devices(anna);
  message = (await device.send('chat:message:send', text(chat))).message_id;
  stored = await everything();
});
afterAll(() => app.stop());
// After every refusal: nothing is stored, the connection stays, and no other error was sent.
afterEach(async () => {
  await device.settled();
  expect(await everything()).toBe(stored);
  expect(device.socket.connected).toBe(true);
  expect(device.all('error').filter(({ code }) => code === 'INTERNAL')).toEqual([]);
});

const everything = async () =>
  JSON.stringify([
    await app.rows('SELECT * FROM messages ORDER BY id'),
    await app.rows('SELECT id, last_seq, change_seq, member_count FROM chats ORDER BY id'),
    await app.rows('SELECT * FROM message_reactions'),
    await app.rows(
      'SELECT chat_id, user_id, role, last_read_seq, left_at, muted_until, archived_at FROM chat_members ORDER BY 1, 2',
    ),
  ]);
/** Sends without a callback and returns the `error` events that answer it. */
const errorsFor = async (...args: [string, ...unknown[]]) => {
  const before = device.all('error').length;
  device.socket.emit(...args);
  await device.settled();
  return device
    .all('error')
    .slice(before)
    .map(({ code }) => code);
};
const quoted = (event: string) => JSON.stringify(event);

describe.each(EVENTS)('%s', (event) => {
  it.each<[string, unknown[]]>([
    ['null', [null]],
    ['a list', [[1]]],
    ['an empty list', [[]]],
    ['text', ['text']],
    ['a number', [1]],
    ['true', [true]],
    ['nothing', []],
    ['two objects', [{}, {}]],
    ['binary', [Buffer.from('binary')]],
    ['binary inside', [{ ...text({ id: randomUUID() }), message_id: Buffer.from('binary') }]],
  ])('with %s answers INVALID_DATA, as an acknowledgement or as an error event', async (_, args) => {
    const ack = (await device.socket.timeout(5000).emitWithAck(event, ...args)) as ErrorBody & {
      status: string;
    };
    const { status, ...body } = ack;
    expect([status, body.code, contractErrors(ErrorBody, body)]).toEqual(['error', 'INVALID_DATA', []]);
    expect(await errorsFor(event, ...args)).toEqual(['INVALID_DATA']);
  });

  it.each<[string, () => string, string]>([
    ['30,000 levels of nesting', () => '['.repeat(30_000) + ']'.repeat(30_000), 'INVALID_DATA'],
    ['50,000 levels of nesting', () => '['.repeat(50_000) + ']'.repeat(50_000), 'MESSAGE_TOO_LARGE'],
    [
      '50,000 levels inside',
      () => `{"metadata":${'['.repeat(50_000)}${']'.repeat(50_000)}}`,
      'MESSAGE_TOO_LARGE',
    ],
    [
      '10,000 levels inside',
      () => `{"metadata":${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}}`,
      'INVALID_DATA',
    ],
    ['__proto__', () => '{"__proto__":{"chat_id":1}}', 'INVALID_DATA'],
    [
      'constructor',
      () => '{"constructor":{"prototype":{}},"toString":1,"hasOwnProperty":1,"then":1}',
      'INVALID_DATA',
    ],
    [
      'a NUL character',
      () => '{"chat_id":"\\u0000","content":"\\u0000","token":"\\u0000","query":"\\u0000"}',
      'INVALID_DATA',
    ],
    ['half a surrogate pair', () => '{"content":"\\ud800","query":"\\udc00"}', 'INVALID_DATA'],
    ['a NUL character in a key', () => '{"metadata":{"\\u0000":1}}', 'INVALID_DATA'],
  ])('with %s is refused', async (_, payload, code) => {
    expect((await device.sendRaw(`${quoted(event)},${payload()}`)).code).toBe(code);
  });
});

describe('an unknown event', () => {
  // Without the six names that Socket.IO reserves: no client can send them.
  const NAMES = [
    ...[
      '',
      'nonsense',
      'chat',
      'chat:message',
      'chat:message:new',
      'CHAT:JOIN',
      'error',
      'connected',
      'ping',
    ],
    ...['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'prototype', 'then', 'connection', 'end'],
    ...['close', 'packet', 'drain', 'data', '\u0000', '\ud800', '😀', 'x'.repeat(200)],
  ];
  it.each(NAMES)('%j answers INVALID_DATA', async (name) => {
    expect((await device.sendRaw(`${quoted(name)},{}`)).code).toBe('INVALID_DATA');
    expect((await device.sendRaw(quoted(name))).code).toBe('INVALID_DATA');
  });

  it('with a number as its name answers INVALID_DATA', async () => {
    expect((await device.sendRaw('1,{}')).code).toBe('INVALID_DATA');
  });
});

describe('ids', () => {
  /** The answer to an unknown id in each field. */
  const FIELDS = {
    chat_id: 'CHAT_NOT_FOUND',
    to_chat_id: 'CHAT_NOT_FOUND',
    message_id: 'NOT_FOUND',
    recipient_id: 'NOT_FOUND',
    reply_to: 'INVALID_DATA',
  };
  /** A payload that succeeds. */
  const good: Partial<Record<ClientEvent, () => object>> = {
    'chat:message:send': () => ({ ...text(chat), reply_to: message }),
    'chat:message:edit': () => ({ message_id: message, content: 'x' }),
    'chat:message:delete': () => ({ message_id: message }),
    'chat:message:pin': () => ({ message_id: message }),
    'chat:message:unpin': () => ({ message_id: message }),
    'chat:message:forward': () => ({ message_ids: [message], to_chat_id: chat.id }),
    'chat:message:react': () => ({ message_id: message, emoji: '👍', on: true }),
    'chat:message:read': () => ({ message_id: message, chat_id: chat.id }),
    'chat:message:delivered': () => ({ message_id: message, chat_id: chat.id }),
    'chat:typing': () => ({ chat_id: chat.id, is_typing: true }),
    'chat:join': () => ({ chat_id: chat.id }),
    'chat:leave': () => ({ chat_id: chat.id }),
    'chat:get': () => ({ recipient_id: anna.id }),
    'chat:pins': () => ({ chat_id: chat.id }),
    'chat:mute': () => ({ chat_id: chat.id, muted: true }),
    'chat:archive': () => ({ chat_id: chat.id, archived: true }),
  };
  const cases = (Object.keys(good) as ClientEvent[]).flatMap((event) =>
    Object.keys(FIELDS).map((field) => [event, field] as const),
  );

  it.each(cases)(
    '%s refuses a malformed id in %s by name, and answers not found for an unknown id',
    async (event, field) => {
      const payload = good[event]!() as Record<string, unknown>;
      if (!(field in payload)) return;
      for (const forged of [
        '',
        'x',
        1,
        null,
        {},
        [message],
        `${message}'`,
        `${message} `,
        '../..',
        message.slice(1),
      ]) {
        if (forged === null && field === 'reply_to') continue;
        const { code, details } = await device.send(event, { ...payload, [field]: forged });
        expect([forged, code, details?.[0]?.field]).toEqual([forged, 'INVALID_DATA', field]);
      }
      const { code } = await device.send(event, { ...payload, [field]: randomUUID() });
      // Nobody is in an unknown chat, so a leave has nothing to do.
      expect(code).toBe(event === 'chat:leave' ? undefined : FIELDS[field as keyof typeof FIELDS]);
    },
  );
});

describe('the reason of a refusal', () => {
  const unknown = randomUUID();

  it.each<[string, ClientEvent, () => object]>([
    ['message_not_found', 'chat:message:delete', () => ({ message_id: unknown })],
    ['user_not_found', 'chat:get', () => ({ recipient_id: unknown })],
    ['not_a_member', 'chat:join', () => ({ chat_id: foreign.id })],
  ])('is %s for %s', async (reason, event, payload) => {
    expect((await device.send(event, payload())).reason).toBe(reason);
  });
});
