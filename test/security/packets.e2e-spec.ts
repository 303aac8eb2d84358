import { Device, TestApp, type Account } from '#testing';
import { once } from 'node:events';
import { connections, held, internalErrors } from './counted.js';
import { databaseDigest, databaseDigestAtRest } from './database-digest.js';
import { RawPolling, RawSocket } from './raw-client.js';

const MB = 1024 * 1024;

let app: TestApp;
let anna: Account;
/** A well-behaved client that must be answered all the time. */
let observer: Device;
let stored: object;
beforeAll(async () => {
  app = await TestApp.start({ SOCKET_EVENT_RATE: '1000' });
  const [a, boris] = await app.people('Анна', 'Борис');
  anna = a;
  await app.chat(anna, boris);
  // One device of hers stays, so that her others come and go without presence events.
  [, observer] = await app.devices(anna, boris);
  stored = await databaseDigestAtRest(app);
});
afterAll(() => app.stop());
afterEach(async () => {
  await observer.settled();
  expect(await internalErrors(app.url)).toBe(0);
  expect(await databaseDigest(app)).toEqual(stored);
});

describe('an unreadable Socket.IO event is INVALID_DATA, and the connection stays:', () => {
  it.each([
    ['broken JSON', '42["chat:join",{'],
    ['a payload that is no list', '42{}'],
    ['text', '42"chat:join"'],
    ['null', '42null'],
    ['nothing', '42'],
    ['no name', '42[]'],
    ['null as its name', '42[null,{}]'],
    ['an object as its name', '42[{},{}]'],
    ['a reserved name', '42["connect",{}]'],
    ['a reserved name, escaped', '42["\\u0064isconnect",{}]'],
    ['a negative acknowledgement', '42-5["chat:join",{}]'],
    ['an attachment that never arrives', '451-["chat:join",{"_placeholder":true,"num":0}]'],
    ['a million attachments', '451000000-["chat:join",{"_placeholder":true,"num":0}]'],
    ['attachments without placeholders', '453-["chat:join",{"_placeholder":true,"num":-1}]'],
    ['an invalid number of attachments', '45-["chat:join",{}]'],
  ])('%s', async (_, frame) => {
    const raw = await RawSocket.signedIn(app.url, anna);
    const answers = await raw.answers(frame);
    expect(answers).toEqual([expect.stringMatching(/^42\["error",\{"code":"INVALID_DATA"/)]);
    raw.close();
  });

  it.each(['connect', 'connect_error', 'disconnect', 'disconnecting', 'newListener', 'removeListener'])(
    'with an acknowledgement, also with the name %s',
    async (name) => {
      const raw = await RawSocket.signedIn(app.url, anna);
      expect(
        await raw.answers(`42900["${name}",{}]`, '42901["chat:join",', '451-902["chat:join",{}]'),
      ).toEqual([
        expect.stringMatching(/^43900\[\{"status":"error","code":"INVALID_DATA"/),
        expect.stringMatching(/^43901\[\{"status":"error","code":"INVALID_DATA"/),
        expect.stringMatching(/^43902\[\{"status":"error","code":"INVALID_DATA"/),
      ]);
      raw.close();
    },
  );
});

it.each([
  ['an acknowledgement that nobody asked for', '431[{}]'],
  ['an acknowledgement with attachments', '461-1[{"_placeholder":true,"num":0}]'],
  ['attachments of nothing', Buffer.alloc(1000)],
  ['a heartbeat’s answer', '3'],
])('%s is ignored', async (_, frame) => {
  const raw = await RawSocket.signedIn(app.url, anna);
  expect(await raw.answers(frame)).toEqual([]);
  raw.close();
});

it.each([
  [
    'an acknowledgement id beyond all numbers',
    `42${'9'.repeat(400)}["presence:watch",{"user_ids":[]}]`,
    '43Infinity[{"status":"ok"',
  ],
  ['an unknown namespace', '40/nowhere,{}', '44/nowhere,{"message":"Invalid namespace"}'],
])('%s is answered, and the connection stays', async (_, frame, answer) => {
  const raw = await RawSocket.signedIn(app.url, anna);
  raw.send(frame);
  await raw.receives(answer);
  expect(await raw.answers()).toEqual([]);
  raw.close();
});

/** No client library can send these, so ending the connection is right, too. */
it.each([
  ['a second CONNECT', '40{}'],
  ['a CONNECT that is not an object', '40/messenger,[]'],
  ['CONNECT_ERROR', '44{"message":"x"}'],
  ['an unknown packet', '49'],
  ['a packet without a type', '4'],
  ['attachments without a number', '45x-["chat:join"]'],
  ['an event of a namespace that it has not joined', '42/messenger,["ping",{}]'],
  ['an unknown packet of Engine.IO', 'x'],
  ['base64 of nothing', 'b'],
  ['a second handshake', '0{}'],
  ['a probe of its present transport', '2probe'],
  ['an upgrade to nothing', '5'],
  ['a close', '1'],
])('%s ends at most its own connection', async (_, frame) => {
  const raw = await RawSocket.signedIn(app.url, anna);
  const answers = await raw.answers(frame);
  expect(answers.filter((answer) => answer !== 'closed')).toEqual([]);
  raw.close();
});

it('a second CONNECT while the first is being checked ends its connection', async () => {
  for (const path of ['', '/messenger,']) {
    const raw = await RawSocket.open(app.url);
    const connect = `40${path}${JSON.stringify({ token: anna.token })}`;
    raw.send(connect);
    raw.send(connect);
    await raw.until(() => raw.closed || undefined, 'not closed');
    expect(raw.frames.filter((frame) => frame.startsWith(`40${path}{"sid"`)).length).toBeLessThan(2);
  }
});

describe('size', () => {
  const huge = (bytes: number) => `42["chat:message:send",{"content":"${'x'.repeat(bytes)}"}]`;

  it.each([0.07, 1.1, 1.9])('an event of %d MB is MESSAGE_TOO_LARGE, by both transports', async (size) => {
    const raw = await RawSocket.signedIn(app.url, anna);
    expect(await raw.answers(huge(size * MB))).toEqual([
      expect.stringContaining('"code":"MESSAGE_TOO_LARGE"'),
    ]);
    raw.close();
    const polling = await RawPolling.signedIn(app.url, anna);
    expect(await polling.post(huge(size * MB))).toBe(200);
    expect(await polling.poll()).toContain('"code":"MESSAGE_TOO_LARGE"');
    await polling.end();
  });

  it.each([
    ['a space before the name', '[ "chat:join",'],
    ['an escape in the name', '["chat\\u003ajoin",'],
    ['an endless name', `["${'x'.repeat(200)}",`],
    ['an attachment', '["chat:join",', '451-'],
  ])('is detected behind %s', async (_, head, type = '42') => {
    const raw = await RawSocket.signedIn(app.url, anna);
    const frame = `${type}901${head}{"chat_id":"${'y'.repeat(100_000)}"}]`;
    expect(await raw.answers(frame)).toEqual([
      expect.stringMatching(/^43901\[\{"status":"error","code":"MESSAGE_TOO_LARGE"/),
    ]);
    raw.close();
  });

  it.each([
    ['2.1 MB', huge(2.1 * MB)],
    ['a CONNECT of 1.1 MB, which would be kept in memory', `40/messenger,{"x":"${'x'.repeat(1.1 * MB)}"}`],
    ['a CONNECT that nests 50,000 levels', `40/messenger,{"x":${'['.repeat(50_000)}${']'.repeat(50_000)}}`],
  ])('%s ends the connection', async (_, frame) => {
    const raw = await RawSocket.signedIn(app.url, anna);
    raw.send(frame);
    await raw.ended();
  });

  it('2.1 MB by polling is refused', async () => {
    const polling = await RawPolling.signedIn(app.url, anna);
    expect(await polling.post(huge(2.1 * MB))).toBe(413);
    await polling.end();
  });

  it('1.1 MB over REST is MESSAGE_TOO_LARGE', async () => {
    const { status, body } = await app.request('POST', 'posts', anna.token, {
      content: 'x'.repeat(1.1 * MB),
    });
    expect([status, body.code]).toEqual([413, 'MESSAGE_TOO_LARGE']);
  });

  it('attachments are not buffered, however many arrive', async () => {
    const raw = await RawSocket.signedIn(app.url, anna);
    const before = held();
    const bomb = [
      '451000000-["chat:join",{"_placeholder":true,"num":0}]',
      ...Array<Buffer>(40).fill(Buffer.alloc(MB)),
    ];
    expect(await raw.answers(...bomb)).toHaveLength(1);
    // Or until the test times out.
    while (held() - before > 8 * MB) await observer.settled();
    raw.close();
  });
});

describe('Engine.IO by polling', () => {
  it.each([
    ['no version', '?transport=polling'],
    ['JSONP, whose decoder would block the process', '?EIO=4&transport=polling&j=0'],
    ['version 3', '?EIO=3&transport=polling'],
    ['an invalid version', '?EIO=x&transport=polling'],
    ['an unknown transport', '?EIO=4&transport=smoke'],
    ['an inherited transport', '?EIO=4&transport=__proto__'],
    ['two transports', '?EIO=4&transport=polling&transport=websocket'],
    ['a WebSocket without an upgrade', '?EIO=4&transport=websocket'],
    ['an unknown session', '?EIO=4&transport=polling&sid=nonsense'],
    ['an inherited session', '?EIO=4&transport=polling&sid=__proto__'],
    ['two sessions', '?EIO=4&transport=polling&sid=a&sid=b'],
  ])('with %s is refused', async (_, query) => {
    expect((await fetch(`${app.url}/socket.io/${query}`)).status).toBe(400);
    expect((await fetch(`${app.url}/socket.io/${query}`, { method: 'POST', body: '40' })).status).toBe(400);
  });

  it.each(['POST', 'PUT', 'DELETE'])('is not opened by %s', async (method) => {
    const opened = await fetch(`${app.url}/socket.io/?EIO=4&transport=polling`, { method });
    expect(opened.status).toBe(400);
  });

  it('two concurrent polls, or two posts, end only their session', async () => {
    const polling = await RawPolling.signedIn(app.url, anna);
    const both = await Promise.all([fetch(polling.address), fetch(polling.address)]);
    expect(both.map(({ status }) => status)).toContain(400);
    expect(await polling.post('3')).toBe(400);
  });

  it.each([
    ['separators', '\x1e'.repeat(MB)],
    ['heartbeats', '2\x1e'.repeat(MB)],
    ['heartbeats’ answers', '3\x1e'.repeat(1_000_000) + '3'],
    ['no-operations', '6\x1e'.repeat(2000) + '6'],
    ['empty messages', '4\x1e'.repeat(MB)],
    ['attachments', 'bAA==\x1e'.repeat(300_000)],
    ['connections', '40\x1e'.repeat(400_000)],
    ['events', '42["x"]\x1e'.repeat(200_000)],
  ])('a payload of nothing but %s ends its session', async (_, body) => {
    const polling = await RawPolling.signedIn(app.url, anna);
    await polling.post(body);
    // Earlier answers can still be fetched.
    await polling.poll();
    expect(await polling.post('3')).toBe(400);
  });
});

it.each<[string, (raw: RawSocket) => void]>([
  ['heartbeats’ answers', (raw) => raw.send('3')],
  ['pings of WebSocket', ({ socket }) => socket.ping()],
  ['pongs of WebSocket', ({ socket }) => socket.pong()],
])('a flood of %s ends its connection', async (_, send) => {
  const raw = await RawSocket.signedIn(app.url, anna);
  for (let i = 0; i < 20_000; i++) send(raw);
  await raw.ended();
});

describe('before its sign-in', () => {
  /** They are ignored. */
  const packets = Array<string>(200).fill('46');

  it('a polling connection may send a hundred packets a second', async () => {
    const polling = await RawPolling.open(app.url);
    await polling.post(packets.join('\x1e'));
    await polling.poll();
    expect(await polling.post('3')).toBe(400);
    const signedIn = await RawPolling.signedIn(app.url, anna);
    expect(await signedIn.post(packets.join('\x1e'))).toBe(200);
    await signedIn.end();
  });

  it('a WebSocket may send a hundred frames a second', async () => {
    const raw = await RawSocket.open(app.url);
    const closed = once(raw.socket, 'close') as Promise<[number]>;
    for (const packet of packets) raw.send(packet);
    expect((await closed)[0]).toBe(1006);
    const signedIn = await RawSocket.signedIn(app.url, anna);
    expect(await signedIn.answers(...packets)).toEqual([]);
    signedIn.close();
  });

  it('a client may enter all namespaces at once, and then send many events', async () => {
    const raw = await RawSocket.open(app.url);
    const namespaces = ['', '/messenger,', '/messenger-classic,', '/chat-basic,'];
    for (const namespace of namespaces) raw.send(`40${namespace}${JSON.stringify({ token: anna.token })}`);
    await raw.receives('42["sync:required"');
    for (const namespace of namespaces) await raw.receives(`40${namespace}{"sid"`);
    expect(await raw.answers(...Array<string>(900).fill('46'), '3', '3')).toEqual([]);
    raw.close();
  });
});

it('a refused or aborted connection is subtracted from the count', async () => {
  const before = await connections(app.url);
  for (let i = 0; i < 5; i++) {
    const device = app.keep(Device.open(app.url, 'no token'));
    await device.next('error');
    await device.disconnected();
    const raw = await RawSocket.signedIn(app.url, anna);
    raw.send('x');
    await raw.ended();
  }
  expect(await connections(app.url)).toBe(before);
});

it('a token that nests 20,000 levels, also with other fields, is a bad token', async () => {
  const deep = '['.repeat(20_000) + ']'.repeat(20_000);
  for (const auth of [
    `{"token":${deep}}`,
    `{"token":{"__proto__":{"length":1}}}`,
    `{"__proto__":{"token":"x"}}`,
  ]) {
    const raw = await RawSocket.open(app.url);
    raw.send(`40${auth}`);
    await raw.receives('42["error",{"code":"UNAUTHORIZED"');
    await raw.ended();
  }
});
