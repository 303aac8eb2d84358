import { ChatDto, type ChangePage, type MEMBER_ROLES, type MessagePage, type SyncAnswer } from '#contracts';
import { contractErrors, Device, TestApp, text, type Account } from '#testing';
import { randomUUID } from 'node:crypto';

let app: TestApp;
let anna: Account;
let boris: Account;
let vera: Account;
let stranger: Account;
/** The group of Anna, its owner, with Boris and Vera; new for each test. */
let group: ChatDto;
let annaDevice: Device;
let borisDevice: Device;
let veraDevice: Device;
beforeAll(async () => {
  app = await TestApp.start();
  [anna, boris, vera, stranger] = await app.people('Анна', 'Борис', 'Вера', 'Глеб');
  [annaDevice, borisDevice, veraDevice] = await app.devices(anna, boris, vera);
});
afterAll(() => app.stop());
beforeEach(async () => {
  group = await app.group(anna, boris, vera);
});

type Role = (typeof MEMBER_ROLES)[number];
const setRole = (by: Account, { id }: { id: string }, role: unknown, chat = group) =>
  app.request<ChatDto>('PATCH', `chats/${chat.id}/members/${id}`, by.token, { role });
const roles = (chat: ChatDto) =>
  Object.fromEntries(chat.participants.map(({ id, role }) => [id, role])) as Record<string, Role>;
const stored = async () => {
  const path = `chats/${group.id}`;
  return roles((await app.request<ChatDto>('GET', path, vera.token)).body);
};
const remove = (by: Account, { id }: Account) =>
  app.request('DELETE', `chats/${group.id}/members/${id}`, by.token);

it('the owner makes a member an admin, who can manage the group, and a member again', async () => {
  expect((await remove(boris, vera)).status).toBe(403);
  const made = await setRole(anna, boris, 'admin');
  expect([made.status, contractErrors(ChatDto, made.body)]).toEqual([200, []]);
  const expected = { [anna.id]: 'owner', [boris.id]: 'admin', [vera.id]: 'member' };
  expect(roles(made.body)).toEqual(expected);
  for (const device of [annaDevice, borisDevice, veraDevice])
    await device.next('chat:updated', (c) => c.id === group.id && roles(c)[boris.id] === 'admin');
  expect(await stored()).toEqual(expected);
  const { message_id } = await veraDevice.send('chat:message:send', text(group));
  expect((await borisDevice.send('chat:message:delete', { message_id })).status).toBe('ok');
  const path = `chats/${group.id}`;
  expect((await app.request('PATCH', path, boris.token, { title: 'His' })).status).toBe(200);
  expect((await setRole(anna, boris, 'member')).status).toBe(200);
  expect((await app.request('PATCH', path, boris.token, { title: 'Not his' })).status).toBe(403);
});

it('a change without effect takes no number and publishes nothing', async () => {
  const path = `chats/${group.id}`;
  const avatar = 'https://example.com/a.jpg';
  await app.request('PATCH', path, anna.token, { title: 'Ours', avatar });
  await setRole(anna, boris, 'admin');
  const numbers = () =>
    app.rows(
      `SELECT c.change_seq, c.changed_xid::text, array_agg(m.changed_xid::text ORDER BY m.user_id) AS members
       FROM chats c JOIN chat_members m ON m.chat_id = c.id WHERE c.id = $1 GROUP BY c.id`,
      [group.id],
    );
  for (const device of [annaDevice, borisDevice, veraDevice])
    await device.next('chat:updated', (c) => c.id === group.id && roles(c)[boris.id] === 'admin');
  for (const device of [annaDevice, borisDevice, veraDevice]) await device.settled();
  const before = await numbers();
  const received = () => [annaDevice, borisDevice, veraDevice].map((device) => device.received.length);
  const receivedBefore = received();
  for (const body of [{ title: 'Ours', avatar }, { title: ' Ours ' }, { avatar }, {}, { title: null }]) {
    const { status, body: chat } = await app.request<ChatDto>('PATCH', path, anna.token, body);
    expect([status, chat.title, chat.avatar]).toEqual([200, 'Ours', avatar]);
  }
  expect((await setRole(anna, boris, 'admin')).status).toBe(200);
  expect((await setRole(anna, vera, 'member')).status).toBe(200);
  const added = await app.request('POST', `${path}/members`, anna.token, { user_ids: [boris.id, vera.id] });
  expect(added.status).toBe(201);
  await app.rows(`UPDATE chat_members SET muted_until = now() - interval '1 s' WHERE user_id = $1`, [
    anna.id,
  ]);
  expect((await app.request('DELETE', `${path}/mute`, anna.token)).status).toBe(200);
  expect(await numbers()).toEqual(before);
  for (const device of [annaDevice, borisDevice, veraDevice]) await device.settled();
  expect(received()).toEqual(receivedBefore);
  // One new member among them is announced as usual.
  await app.request('POST', `${path}/members`, anna.token, { user_ids: [boris.id, stranger.id] });
  await borisDevice.next('chat:updated', (c) => c.id === group.id && c.member_count === 4);
});

it('the owner hands the group over and becomes an admin, so that there is one owner', async () => {
  const { status, body } = await setRole(anna, vera, 'owner');
  const expected = { [anna.id]: 'admin', [boris.id]: 'member', [vera.id]: 'owner' };
  expect([status, roles(body)]).toEqual([200, expected]);
  await borisDevice.next('chat:updated', (c) => c.id === group.id && roles(c)[vera.id] === 'owner');
  expect((await setRole(anna, boris, 'admin')).status).toBe(403);
  expect((await setRole(vera, anna, 'member')).status).toBe(200);
  // The second of two is not the owner any more.
  const raced = await Promise.all([setRole(vera, anna, 'owner'), setRole(vera, boris, 'owner')]);
  expect(raced.map(({ status }) => status).sort((a, b) => a - b)).toEqual([200, 403]);
  expect(Object.values(await stored()).sort()).toEqual(['admin', 'member', 'owner']);
});

it('nobody but the owner sets roles, and nobody their own', async () => {
  await setRole(anna, boris, 'admin');
  const before = await stored();
  for (const [reply, status, code] of [
    [await setRole(boris, vera, 'admin'), 403, 'FORBIDDEN'],
    [await setRole(boris, boris, 'owner'), 403, 'FORBIDDEN'],
    [await setRole(vera, vera, 'owner'), 403, 'FORBIDDEN'],
    [await setRole(stranger, vera, 'owner'), 403, 'FORBIDDEN'],
    [await setRole(anna, anna, 'member'), 400, 'INVALID_DATA'],
    [await setRole(anna, anna, 'owner'), 400, 'INVALID_DATA'],
    [await setRole(anna, boris, 'king'), 400, 'INVALID_DATA'],
    [await setRole(anna, boris, undefined), 400, 'INVALID_DATA'],
    [await setRole(anna, stranger, 'admin'), 404, 'NOT_FOUND'],
    [await setRole(anna, stranger, 'owner'), 404, 'NOT_FOUND'],
    [await setRole(anna, { id: randomUUID() }, 'admin'), 404, 'NOT_FOUND'],
    [await setRole(anna, boris, 'admin', await app.chat(anna, boris)), 403, 'FORBIDDEN'],
  ] as const)
    expect([reply.status, reply.body.code]).toEqual([status, code]);
  expect(await stored()).toEqual(before);
  await remove(anna, boris);
  expect((await setRole(anna, boris, 'owner')).status).toBe(404);
  expect((await setRole(boris, vera, 'owner')).status).toBe(403);
});

describe('a member who is removed or leaves', () => {
  const removed = (device: Device) => device.next('chat:removed', ({ chat_id }) => chat_id === group.id);
  const groupEvents = (device: Device) =>
    device.received.filter(({ payload }) => {
      const { chat_id, id } = payload as { chat_id?: string; id?: string };
      return chat_id === group.id || id === group.id;
    });

  it('is notified on every device, and the others receive the changed group', async () => {
    const tablet = await app.device(vera);
    await annaDevice.send('chat:message:send', text(group, 'before'));
    expect((await remove(anna, vera)).status).toBe(204);
    for (const device of [veraDevice, tablet])
      expect(await removed(device)).toEqual({ chat_id: group.id, removed_by: anna.id, last_seq: 1 });
    await borisDevice.next('chat:updated', ({ id, member_count }) => id === group.id && member_count === 2);
    expect((await remove(boris, boris)).status).toBe(204);
    expect(await removed(borisDevice)).toEqual({ chat_id: group.id, removed_by: boris.id, last_seq: 1 });
    await annaDevice.next('chat:updated', ({ id, member_count }) => id === group.id && member_count === 1);
    await annaDevice.settled();
    expect(annaDevice.all('chat:removed')).toEqual([]);
  });

  it('receives no more messages, changes, typing, receipts or updates of it', async () => {
    const { message_id } = await veraDevice.send('chat:message:send', text(group, 'hers'));
    await remove(anna, vera);
    await removed(veraDevice);
    const before = groupEvents(veraDevice).length;
    await annaDevice.send('chat:message:send', text(group, 'without her'));
    await annaDevice.send('chat:message:react', { message_id, emoji: '👍', on: true });
    await annaDevice.send('chat:message:pin', { message_id });
    await annaDevice.send('chat:typing', { chat_id: group.id, is_typing: true });
    await borisDevice.send('chat:message:read', { chat_id: group.id, message_id });
    await annaDevice.send('chat:message:read', { chat_id: group.id, message_id });
    await app.request('PATCH', `chats/${group.id}`, anna.token, { title: 'Ours' });
    await borisDevice.next('chat:updated', ({ title }) => title === 'Ours');
    await annaDevice.send('chat:message:delete', { message_id });
    // A member receives their own messages by the same path, and later than she would.
    const own = await annaDevice.send('chat:message:send', text(group, 'x'));
    await borisDevice.send('chat:message:read', { chat_id: group.id, message_id: own.message_id });
    await annaDevice.next('chat:message:read', (read) => read.message_id === own.message_id);
    await veraDevice.settled();
    expect(groupEvents(veraDevice).slice(before)).toEqual([]);
  });

  it('receives no receipt counts of a large group', async () => {
    const chat_id = group.id;
    const user_ids = await app.manyPeople(40);
    await app.request('POST', `chats/${chat_id}/members`, anna.token, { user_ids });
    const theirs = await veraDevice.send('chat:message:send', text(group));
    const own = await annaDevice.send('chat:message:send', text(group));
    await remove(anna, vera);
    await borisDevice.send('chat:message:read', { chat_id, message_id: own.message_id });
    const read = await annaDevice.next('chat:message:read', (r) => r.message_id === own.message_id);
    expect(read.read_count).toBe(1);
    await veraDevice.settled();
    expect(veraDevice.all('chat:message:read').filter((r) => r.message_id === theirs.message_id)).toEqual([]);
  });

  it('receives no message numbered after the removal, also while many are sent', async () => {
    let gone = false;
    const sending = [annaDevice, borisDevice, annaDevice, borisDevice].map(async (device) => {
      for (let after = 10; after > 0; after -= gone ? 1 : 0)
        await device.send('chat:message:send', text(group, 'x'));
    });
    await annaDevice.next('chat:message:new', ({ chat_id, seq }) => chat_id === group.id && seq === 20);
    await remove(anna, vera);
    const { last_seq } = await removed(veraDevice);
    gone = true;
    await Promise.all(sending);
    await veraDevice.settled();
    const all = await app.history(anna, group.id);
    expect(last_seq).toBeGreaterThanOrEqual(20);
    expect(all.at(-1)!.seq).toBeGreaterThanOrEqual(last_seq + 36);
    const seqs = veraDevice.all('chat:message:new').flatMap((m) => (m.chat_id === group.id ? m.seq : []));
    expect(seqs).toEqual(Array.from({ length: last_seq }, (_, i) => i + 1));
    expect((await app.history(vera, group.id)).at(-1)!.seq).toBe(last_seq);
  });

  it('reads up to there by history and search, and nothing later', async () => {
    const { message_id } = await veraDevice.send('chat:message:send', text(group, 'the word'));
    await annaDevice.send('chat:message:pin', { message_id });
    const { body: start } = await app.request<SyncAnswer>('GET', 'sync', vera.token);
    await remove(anna, vera);
    const after = await annaDevice.send('chat:message:send', text(group, 'the word again'));
    const get = <T>(path: string) => app.request<T>('GET', `chats/${group.id}${path}`, vera.token);
    for (const path of [
      '/messages',
      '/messages?after_seq=0',
      '/messages?before_seq=9',
      '/messages/search?query=word',
    ])
      expect([path, (await get<ChangePage>(path)).body.items]).toMatchObject([path, [{ id: message_id }]]);
    for (const path of [
      '',
      '/members',
      '/changes',
      '/pins',
      `/messages/${message_id}/receipts`,
      `/messages/${after.message_id}/receipts`,
    ])
      expect([path, (await get(path)).body.code]).toEqual([path, 'FORBIDDEN']);
    const chat_id = group.id;
    for (const { code } of [
      await veraDevice.send('chat:join', { chat_id }),
      await veraDevice.send('chat:pins', { chat_id }),
      await veraDevice.send('chat:mute', { chat_id, muted: true }),
      await veraDevice.send('chat:archive', { chat_id, archived: true }),
      await veraDevice.send('chat:message:read', { chat_id, message_id }),
      await veraDevice.send('chat:message:edit', { message_id, content: 'x' }),
      await veraDevice.send('chat:message:delete', { message_id }),
      await veraDevice.send('chat:message:pin', { message_id }),
    ])
      expect(code).toBe('FORBIDDEN');
    const { body: next } = await app.request<SyncAnswer>('GET', `sync?cursor=${start.cursor}`, vera.token);
    expect(next.chats).toEqual([{ id: chat_id, last_seq: 1, change_seq: 0, unread_count: 0, left: true }]);
  });

  it('reads messages as they were then, and cannot find later texts', async () => {
    const say = async (content: string) =>
      (await annaDevice.send('chat:message:send', text(group, content))).message_id;
    const [kept, changed, gone] = [await say('the old word'), await say('the old word'), await say('x')];
    await remove(anna, vera);
    await annaDevice.send('chat:message:react', { message_id: kept, emoji: '👍', on: true });
    await annaDevice.send('chat:message:pin', { message_id: kept });
    await annaDevice.send('chat:message:edit', { message_id: changed, content: 'a new word' });
    await annaDevice.send('chat:message:delete', { message_id: gone });
    const get = async (path: string) =>
      (await app.request<MessagePage>('GET', `chats/${group.id}/messages${path}`, vera.token)).body.items;
    const before = { reactions: [], pinned_at: null, edited_at: null, deleted_at: null, change_seq: 0 };
    const first = { ...before, id: kept, content: 'the old word' };
    expect(await get('')).toMatchObject([
      first,
      { ...before, id: changed, content: '' },
      { ...before, id: gone, content: '' },
    ]);
    expect(await get('/search?query=old')).toMatchObject([first]);
    expect(await get('/search?query=new')).toEqual([]);
  });

  it('returns as a plain member, with the chat neither muted nor archived', async () => {
    await setRole(anna, vera, 'admin');
    await veraDevice.send('chat:mute', { chat_id: group.id, muted: true });
    await veraDevice.send('chat:archive', { chat_id: group.id, archived: true });
    await remove(anna, vera);
    await app.request('POST', `chats/${group.id}/members`, anna.token, { user_ids: [vera.id] });
    const { body } = await app.request<ChatDto>('GET', `chats/${group.id}`, vera.token);
    expect(body).toMatchObject({ muted_until: null, archived: false });
    expect(roles(body)[vera.id]).toBe('member');
    const { message_id } = await annaDevice.send('chat:message:send', text(group));
    await veraDevice.next('chat:message:new', ({ id }) => id === message_id);
  });
});
