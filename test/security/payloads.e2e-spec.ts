import { Device, TestApp, type Account } from '#testing';
import { randomUUID } from 'node:crypto';
import { DIALECT_EVENTS, EVENTS, FRAMES, ROUTES, type Row } from './access-table.js';
import { askAssistant, askDialect, askEvent, askRest, type Ask } from './asking.js';
import { databaseDigest, databaseDigestAtRest } from './database-digest.js';
import { Scenario, type Who } from './scenario.js';

let app: TestApp;
let scenario: Scenario;
let stored: object;
beforeAll(async () => {
  app = await TestApp.start();
  scenario = await Scenario.create(app);
  await scenario.complete();
  // The actors keep a device, so that their others come and go without presence events.
  const { owner, member, admin } = scenario.people;
  await app.devices(owner, member, admin);
  stored = await databaseDigestAtRest(app);
});
afterAll(() => app.stop());
afterEach(async () => {
  const was = stored;
  stored = await databaseDigest(app);
  expect(stored).toEqual(was);
});

type Json = Record<string, unknown>;
/** The payload with one text changed, for each text in turn. */
function* withTextsChanged(body: unknown, change: (text: string) => unknown): Generator<unknown> {
  if (typeof body === 'string') yield change(body);
  else if (typeof body === 'object' && body !== null)
    for (const [key, value] of Object.entries(body))
      for (const changed of withTextsChanged(value, change)) {
        const copy = structuredClone(body) as Json;
        copy[key] = changed;
        yield copy;
      }
}

/** A person who may send the request, so that no other refusal hides the one under test. */
const whoMay = ([access]: Row): Who =>
  (['owner', 'member', 'admin'] as const).find((who) => access[who] === 'ok')!;
type Line = [name: string, row: Row, ask: Ask];
const lines = (rows: Record<string, Row>, ask: Ask) =>
  Object.entries(rows).flatMap(([name, row]): Line[] => (row[1] ? [[name, row, ask]] : []));
const withBodies = [
  ...lines(ROUTES, askRest),
  ...lines(EVENTS, askEvent),
  ...lines(DIALECT_EVENTS, askDialect),
  ...lines(FRAMES, askAssistant),
];
const DONE = ['ok', 'INTERNAL', 'UNAVAILABLE', 'Internal error'];

describe('text that no field can hold is INVALID_DATA, and nothing is stored:', () => {
  const texts = withBodies.filter(([, [, body]]) => !withTextsChanged(body, () => '').next().done);

  it.each(texts)('%s', async (name, row, ask) => {
    for (const odd of ['\0', '\ud800', '\udc00x'])
      for (const body of withTextsChanged(row[1], (text) => text + odd)) {
        const outcome = await ask(scenario, whoMay(row), name, [row[0], body as object]);
        if (ask === askDialect) expect(DONE).not.toContain(outcome);
        else expect([body, outcome]).toEqual([body, 'INVALID_DATA']);
      }
  });

  it.each([
    'users?query=',
    'services?query=',
    'chats/{chat}/messages/search?query=',
    'sync?cursor=',
    'users?cursor=',
  ])('GET %s with a NUL character', async (path) => {
    const outcome = await askRest(scenario, 'owner', `GET /api/v2/${path}a%00b`, [{}]);
    expect(outcome).toBe('INVALID_DATA');
  });
});

describe('misleading keys are refused, and nothing is stored:', () => {
  // Payloads of dialects are reduced to the known keys.
  const strict = withBodies.filter(([, , ask]) => ask !== askDialect);

  it.each(strict)('%s', async (name, row, ask) => {
    // As JSON text, since an object with such a key would be something else.
    const fields = JSON.stringify(row[1]).slice(1);
    for (const key of ['__proto__', 'constructor'])
      for (const value of ['{}', '{"isAdmin":true}', 'null', '{"prototype":{}}']) {
        const body = JSON.parse(`{"${key}":${value}${fields === '}' ? '}' : `,${fields}`}`) as object;
        const outcome = await ask(scenario, whoMay(row), name, [row[0], body]);
        expect(outcome).toBe('INVALID_DATA');
      }
    expect(({} as { isAdmin?: boolean }).isAdmin).toBeUndefined();
  });
});

describe('links', () => {
  /** Every request field that the docs call a link, with the other fields of a good request. */
  const LINKS: Record<string, (link: string) => object> = {
    'POST /api/v2/auth/register avatar': (avatar) => ({
      email: `${randomUUID()}@example.com`,
      password: 'correct horse battery',
      name: 'New',
      avatar,
    }),
    'PATCH /api/v2/users/me avatar': (avatar) => ({ avatar }),
    'PATCH /api/v2/chats/{chat} avatar': (avatar) => ({ avatar }),
    'POST /api/v2/posts media_urls': (link) => ({ content: 'x', media_urls: [link] }),
    'POST /api/v2/admin/announcements media_urls': (link) => ({ content: 'x', media_urls: [link] }),
  };
  const MESSAGES: Record<string, (link: string) => object> = {
    'photo content': (content) => ({ type: 'photo', content, metadata: { width: 1, height: 1 } }),
    'video content': (content) => ({ type: 'video', content, metadata: { duration: 1 } }),
    'voice content': (content) => ({ type: 'voice', content, metadata: { duration: 1 } }),
    'photo thumbnail': (thumbnail) => ({
      type: 'photo',
      content: 'https://example.com/x.jpg',
      metadata: { width: 1, height: 1, thumbnail },
    }),
    'video thumbnail': (thumbnail) => ({
      type: 'video',
      content: 'https://example.com/x.mp4',
      metadata: { duration: 1, thumbnail },
    }),
  };
  const BAD = [
    ...['javascript:alert(1)', 'JaVaScRiPt:alert(1)', ' javascript:alert(1)', 'java\nscript:alert(1)'],
    ...[
      '\u0001javascript:alert(1)',
      'javascript://example.com/%0aalert(1)',
      'javascript:https://example.com',
    ],
    ...[
      'data:text/html,<script>alert(1)</script>',
      'data:image/svg+xml;base64,PHN2Zz4=',
      'vbscript:msgbox(1)',
    ],
    ...[
      'file:///etc/passwd',
      'blob:https://example.com/x',
      'ftp://example.com/x',
      'about:blank',
      'intent://x#Intent;end',
    ],
    ...[
      '//example.com/x',
      '/x',
      'example.com/x',
      'http:example.com',
      'http:///x',
      'https://',
      'https:// example.com',
    ],
    ...[
      'https://example.com/\nx',
      'https://example.com/<script>',
      `https://example.com/${'x'.repeat(2048)}`,
      '',
    ],
  ];

  it('the list has every link of the docs', async () => {
    const document = (await (await fetch(`${app.url}/docs-json`)).json()) as {
      paths: Record<string, Record<string, { requestBody?: object }>>;
      components: { schemas: Record<string, { properties?: Json }> };
    };
    const isLink = (schema: unknown) => /"format":"uri"/.test(JSON.stringify(schema));
    const documented = Object.entries(document.paths).flatMap(([path, operations]) =>
      Object.entries(operations).flatMap(([method, { requestBody }]) => {
        const [, name] = /schemas\/(\w+)/.exec(JSON.stringify(requestBody ?? {})) ?? [];
        const fields = Object.entries(document.components.schemas[name ?? '']?.properties ?? {});
        const route = `${method.toUpperCase()} ${path.replace('{id}', '{chat}')}`;
        return fields.flatMap(([field, schema]) => (isLink(schema) ? [`${route} ${field}`] : []));
      }),
    );
    expect(Object.keys(LINKS).sort()).toEqual(documented.sort());
  });

  it.each(Object.keys(LINKS))('%s: only http and https links are accepted', async (name) => {
    const [method, path] = name.split(' ');
    const who = name.includes('admin') ? 'admin' : 'owner';
    for (const link of BAD) {
      const outcome = await askRest(scenario, who, `${method} ${path}`, [{}, LINKS[name]!(link)]);
      expect([link, outcome]).toEqual([link, 'INVALID_DATA']);
    }
  });

  it.each(Object.keys(MESSAGES))(
    '%s: only http and https links are accepted, on REST and on sockets',
    async (name) => {
      const chat_id = await scenario.fixture('chat');
      for (const link of BAD) {
        const body = MESSAGES[name]!(link);
        const outcome = await askRest(scenario, 'owner', 'POST /api/v2/chats/{chat}/messages', [{}, body]);
        const live = await askEvent(scenario, 'owner', 'chat:message:send', [{}, { chat_id, ...body }]);
        expect([link, outcome, live]).toEqual([link, 'INVALID_DATA', 'INVALID_DATA']);
      }
    },
  );
});

describe('the names of topics', () => {
  let stranger: Account;
  let device: Device;
  let owners: Device;
  beforeAll(async () => {
    ({ stranger } = scenario.people);
    [device, owners] = await app.devices(stranger, scenario.people.owner);
    stored = await databaseDigestAtRest(app);
  });

  it('are not ids: nobody subscribes to a topic by its name', async () => {
    const chat = await scenario.fixture('chat');
    const { owner } = scenario.people;
    const KINDS = ['chat', 'user', 'session', 'followers', 'friends', 'cut', 'assistant', 'watchers'];
    const names = KINDS.flatMap((kind) => [chat, owner.id].map((id) => `${kind}:${id}`));
    const others = [
      owners.socket.id!,
      [chat],
      [[chat]],
      { id: chat },
      `{${chat}}`,
      `${chat},${chat}`,
      '*',
      '%',
      true,
    ];
    for (const forged of [...names, ...others]) {
      for (const event of ['chat:join', 'chat:leave', 'chat:pins'] as const)
        expect((await device.send(event, { chat_id: forged })).code).toBe('INVALID_DATA');
      const watched = await device.send('presence:watch', { user_ids: [forged] });
      expect([forged, watched.code]).toEqual([forged, 'INVALID_DATA']);
      expect((await device.send('chat:typing', { chat_id: forged, is_typing: true })).code).toBe(
        'INVALID_DATA',
      );
    }
    // Only users can be watched: the id of something else brings no events.
    await device.send('presence:watch', { user_ids: [chat, owner.id] });
    const before = device.received.length;
    await owners.send('chat:typing', { chat_id: chat, is_typing: true });
    await owners.send('chat:typing', { chat_id: chat, is_typing: false });
    await device.settled();
    expect(device.received.slice(before)).toEqual([]);
  });
});
