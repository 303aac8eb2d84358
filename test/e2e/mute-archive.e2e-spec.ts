import { ChatDto, type ChatPage, type SyncAnswer } from '#contracts';
import { contractErrors, Device, TestApp, text, type Account } from '#testing';
import { isDeepStrictEqual } from 'node:util';

const FOR_GOOD = '9999-12-31T23:59:59.999Z';

let app: TestApp;
let anna: Account;
let boris: Account;
/** New for each test. */
let chat: ChatDto;
let annaDevice: Device;
let tablet: Device;
let borisDevice: Device;
beforeAll(async () => {
  app = await TestApp.start();
  [anna, boris] = await app.people('Анна', 'Борис');
  [annaDevice, tablet, borisDevice] = await app.devices(anna, anna, boris);
});
afterAll(() => app.stop());
beforeEach(async () => {
  chat = await app.group(anna, boris);
});

const mute = (more: object = {}, device = annaDevice) =>
  device.send('chat:mute', { chat_id: chat.id, muted: true, ...more });
const archive = (archived = true, device = annaDevice) =>
  device.send('chat:archive', { chat_id: chat.id, archived });
const ahead = (ms: number) => new Date(Date.now() + ms).toISOString();
const seen = async ({ token }: Account) =>
  (await app.request<ChatDto>('GET', `chats/${chat.id}`, token)).body;
const listed = async ({ token }: Account, query = '') => {
  const { body } = await app.request<ChatPage>('GET', `chats${query}`, token);
  return body.items.map(({ id }) => id);
};
const sync = async (cursor = '', { token } = anna) =>
  (await app.request<SyncAnswer>('GET', `sync?cursor=${cursor}`, token)).body;
const updates = (device: Device) => device.all('chat:updated').filter(({ id }) => id === chat.id);

describe('a mute', () => {
  it('lasts until its time, and is visible only to the user who muted', async () => {
    expect(await seen(anna)).toMatchObject({ muted_until: null, archived: false });
    const until = ahead(3600_000);
    const { status, chat: muted } = await mute({ until });
    expect([status, muted.id, muted.muted_until]).toEqual(['ok', chat.id, until]);
    expect(await seen(anna)).toEqual(muted);
    const list = await app.request<ChatPage>('GET', 'chats', anna.token);
    expect(list.body.items.find(({ id }) => id === chat.id)!.muted_until).toBe(until);
    expect((await seen(boris)).muted_until).toBeNull();
    // Nothing has to happen when it ends.
    await app.rows(`UPDATE chat_members SET muted_until = now() - interval '1 ms' WHERE chat_id = $1`, [
      chat.id,
    ]);
    expect((await seen(anna)).muted_until).toBeNull();
    expect((await mute({ until: ahead(1000) })).status).toBe('ok');
  });

  it('without a time is permanent until it is taken back', async () => {
    expect((await mute()).chat.muted_until).toBe(FOR_GOOD);
    expect((await mute({ until: null })).chat.muted_until).toBe(FOR_GOOD);
    expect((await seen(anna)).muted_until).toBe(FOR_GOOD);
    expect((await mute({ muted: false })).chat.muted_until).toBeNull();
    expect((await seen(anna)).muted_until).toBeNull();
  });

  it.each([
    ['2099-01-01T00:00:00.123456Z', '2099-01-01T00:00:00.123Z'],
    ['2099-01-01T00:00:00.1234567Z', '2099-01-01T00:00:00.123Z'],
    ['2099-01-01T03:00:00.999999999+03:00', '2099-01-01T00:00:00.999Z'],
    ['2098-12-31T20:30:00-03:30', '2099-01-01T00:00:00.000Z'],
    ['2099-01-01t00:00z', '2099-01-01T00:00:00.000Z'],
  ])('accepts %s as %s', async (until, shown) => {
    const { status, chat: muted } = await mute({ until });
    expect([status, muted.muted_until]).toEqual(['ok', shown]);
    const put = await app.request<ChatDto>('PUT', `chats/${chat.id}/mute`, anna.token, { until });
    expect(put.body.muted_until).toBe(shown);
    await mute({ muted: false });
  });

  it('accepts only a time in the future', async () => {
    for (const until of [
      ahead(-1000),
      '2020-01-01T00:00:00.000Z',
      '2099-13-45T00:00:00.000Z',
      '2099-02-30T00:00:00.000Z',
      '2099-04-31T00:00:00Z',
      '2099-01-01T00:00:00',
      'tomorrow',
      1,
      '',
    ]) {
      const { code, details } = await mute({ until });
      expect([until, code, details?.[0]?.field]).toEqual([until, 'INVALID_DATA', 'until']);
    }
    expect((await annaDevice.send('chat:mute', { chat_id: chat.id })).code).toBe('INVALID_DATA');
    expect((await seen(anna)).muted_until).toBeNull();
    // An unmute ignores the time.
    expect((await mute({ muted: false, until: ahead(-1000) })).status).toBe('ok');
  });

  it('suppresses no event', async () => {
    await mute();
    const { message_id } = await borisDevice.send('chat:message:send', text(chat));
    for (const device of [annaDevice, tablet])
      await device.next('chat:message:new', ({ id }) => id === message_id);
    expect(await seen(anna)).toMatchObject({ unread_count: 1, muted_until: FOR_GOOD });
  });
});

describe('an archived chat', () => {
  it('is only in the archive list, and only for the user who archived it', async () => {
    const other = await app.group(anna, boris);
    const { status, chat: archived } = await archive();
    expect([status, archived.archived]).toEqual(['ok', true]);
    expect([await listed(anna, '?archived=true'), await listed(boris, '?archived=true')]).toEqual([
      [chat.id],
      [],
    ]);
    expect(await listed(anna)).toContain(other.id);
    for (const query of ['', '?archived=false']) {
      expect(await listed(anna, query)).not.toContain(chat.id);
      expect(await listed(boris, query)).toContain(chat.id);
    }
    expect((await app.request('GET', 'chats?archived=x', anna.token)).status).toBe(400);
    // A new message does not bring it back. It is everywhere else.
    const { message_id } = await borisDevice.send('chat:message:send', text(chat));
    await annaDevice.next('chat:message:new', ({ id }) => id === message_id);
    expect(await seen(anna)).toMatchObject({ archived: true, unread_count: 1 });
    expect(await listed(anna)).not.toContain(chat.id);
    expect((await archive(false)).chat.archived).toBe(false);
    expect((await listed(anna))[0]).toBe(chat.id);
    expect(await listed(anna, '?archived=true')).toEqual([]);
  });

  it('is listed in pages', async () => {
    const me = await app.register('Дора');
    const device = await app.device(me);
    const ids: string[] = [];
    for (let i = 0; i < 3; i++) {
      const { id } = await app.group(me, boris);
      await device.send('chat:archive', { chat_id: id, archived: true });
      await app.group(me, boris);
      ids.unshift(id);
    }
    const found: string[] = [];
    for (let cursor = ''; cursor !== 'end';) {
      const path = `chats?archived=true&limit=1${cursor && `&cursor=${cursor}`}`;
      const { body } = await app.request<ChatPage>('GET', path, me.token);
      found.push(...body.items.map(({ id }) => id));
      cursor = body.next_cursor ?? 'end';
    }
    expect(found).toEqual(ids);
  });
});

it.each([
  ['a mute', () => mute(), { muted_until: FOR_GOOD }],
  ['an archiving', () => archive(), { archived: true }],
])('%s reaches only the user’s other devices, once, and is found by sync', async (_, change, expected) => {
  const { cursor } = await sync();
  const others = await sync('', boris);
  await annaDevice.settled();
  const before = [annaDevice, tablet, borisDevice].map((device) => updates(device).length);
  const { chat: changed } = await change();
  expect(changed).toMatchObject(expected);
  await tablet.until(() => updates(tablet).length > before[1]! || undefined);
  expect(updates(tablet).at(-1)).toEqual(changed);
  // A repetition changes nothing and publishes nothing.
  const repeated = await sync(cursor);
  expect((await change()).chat).toMatchObject(expected);
  for (const device of [annaDevice, tablet, borisDevice]) await device.settled();
  expect([annaDevice, tablet, borisDevice].map((device) => updates(device).length)).toEqual([
    before[0],
    before[1]! + 1,
    before[2],
  ]);
  expect(repeated.chats).toMatchObject([{ id: chat.id }]);
  expect((await sync(repeated.cursor)).chats).toEqual([]);
  expect((await sync(others.cursor, boris)).chats).toEqual([]);
});

it('every member receives chat updates with their own settings', async () => {
  await mute();
  await archive(true, borisDevice);
  await app.request('PATCH', `chats/${chat.id}`, anna.token, { title: 'Renamed' });
  const renamed = (device: Device) =>
    device.next('chat:updated', (c) => c.id === chat.id && c.title === 'Renamed');
  expect(await renamed(annaDevice)).toMatchObject({ muted_until: FOR_GOOD, archived: false });
  expect(await renamed(borisDevice)).toMatchObject({ muted_until: null, archived: true });
});

it('work by REST, too, and reach every device of the user', async () => {
  const request = (method: string, what: string, body?: object) =>
    app.request<ChatDto>(method, `chats/${chat.id}/${what}`, anna.token, body);
  const until = ahead(60_000);
  for (const [method, what, body, expected] of [
    ['PUT', 'mute', undefined, { muted_until: FOR_GOOD }],
    ['PUT', 'mute', { until }, { muted_until: until }],
    ['DELETE', 'mute', undefined, { muted_until: null }],
    ['PUT', 'archive', undefined, { archived: true }],
    ['DELETE', 'archive', undefined, { archived: false }],
  ] as const) {
    const reply = await request(method, what, body);
    expect([reply.status, contractErrors(ChatDto, reply.body)]).toEqual([200, []]);
    expect(reply.body).toMatchObject(expected);
    for (const device of [annaDevice, tablet])
      await device.until(() => {
        const last = updates(device).at(-1);
        return last && isDeepStrictEqual(last, reply.body) ? last : undefined;
      });
  }
  expect((await request('PUT', 'mute', { until: ahead(-1) })).body.code).toBe('INVALID_DATA');
  await borisDevice.settled();
  expect(updates(borisDevice)).toEqual([]);
});
