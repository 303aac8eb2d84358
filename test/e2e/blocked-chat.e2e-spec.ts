import type {
  ChangePage,
  ChatDto,
  ChatPage,
  MessagePage,
  ParticipantPage,
  ReceiptPage,
  SyncAnswer,
} from '#contracts';
import { EventPublisher, Hub } from '#realtime';
import { TestApp, text, type Account, type Device } from '#testing';

let app: TestApp;
let anna: Account;
let boris: Account;
let annaDevice: Device;
let borisDevice: Device;
let chat: ChatDto;
let message_id: string;
beforeAll(async () => {
  app = await TestApp.start();
  [anna, boris] = await app.people('Анна', 'Борис');
  [annaDevice, borisDevice] = await app.devices(anna, boris);
  chat = await app.chat(anna, boris);
  ({ message_id } = await borisDevice.send('chat:message:send', text(chat, 'Before')));
  await annaDevice.next('chat:message:new');
});
afterAll(() => app.stop());

const block = (method: 'PUT' | 'DELETE') => app.request(method, `users/${boris.id}/block`, anna.token);
const said = async () => (await app.history(anna, chat.id)).map(({ content }) => content);

it('a block closes the chat for both: it refuses new messages and keeps the old ones', async () => {
  await block('PUT');
  for (const device of [annaDevice, borisDevice]) {
    for (const refused of [
      await device.send('chat:message:send', text(chat, 'Blocked')),
      await device.send('chat:message:react', { message_id, emoji: '👍', on: true }),
      await device.send('chat:typing', { chat_id: chat.id, is_typing: true }),
    ])
      expect(refused).toMatchObject({ status: 'error', code: 'FORBIDDEN', reason: 'blocked' });
  }
  expect(await borisDevice.send('chat:message:edit', { message_id, content: 'Changed' })).toMatchObject({
    code: 'FORBIDDEN',
  });
  const path = `chats/${chat.id}/messages`;
  const rest = await app.request('POST', path, boris.token, { type: 'text', content: 'Blocked' });
  expect([rest.status, rest.body.code]).toEqual([403, 'FORBIDDEN']);
  expect(await said()).toEqual(['Before']);
});

it('neither side sees through the chat whether the other is online or has read', async () => {
  const receipts = borisDevice.all('chat:message:read').length;
  await annaDevice.send('chat:message:read', { chat_id: chat.id, message_id });
  type People = { items: { id: string; online: boolean; last_seen: string | null }[] };
  const { body: seen } = await app.request<ChatDto>('GET', `chats/${chat.id}`, boris.token);
  const { body: members } = await app.request<People>('GET', `chats/${chat.id}/members`, boris.token);
  for (const people of [seen.participants, members.items])
    expect(people.find(({ id }) => id === anna.id)).toMatchObject({ online: false, last_seen: null });
  await borisDevice.settled();
  expect(borisDevice.all('chat:message:read').length).toBe(receipts);
});

describe('a blocked user cannot see the deliveries and reads of the other', () => {
  let dora: Account;
  let gleb: Account;
  let glebDevice: Device;
  let direct: ChatDto;
  let message_id: string;
  const get = async <T>(path: string, by = gleb) => (await app.request<T>('GET', path, by.token)).body;
  /** All that Gleb can query about his message in the direct chat. */
  const seen = async (cursor: string, changes: number) => {
    const path = `chats/${direct.id}`;
    const chat = await get<ChatDto>(path);
    const ofDora = (people: ChatDto['participants']) => people.find(({ id }) => id === dora.id);
    const statusIn = ({ items }: MessagePage) => items.find(({ id }) => id === message_id)!.status;
    return {
      chat: [chat.last_message!.status, chat.change_seq, ofDora(chat.participants)],
      list: (await get<ChatPage>('chats')).items.find(({ id }) => id === direct.id),
      members: ofDora((await get<ParticipantPage>(`${path}/members`)).items),
      history: statusIn(await get<MessagePage>(`${path}/messages`)),
      search: statusIn(await get<MessagePage>(`${path}/messages/search?query=прости`)),
      pins: statusIn(await get<MessagePage>(`${path}/pins`)),
      receipts: (await get<ReceiptPage>(`${path}/messages/${message_id}/receipts`)).items,
      changes: (await get<ChangePage>(`${path}/changes?after_change_seq=${changes}`)).items,
      sync: (await get<SyncAnswer>(`sync?cursor=${cursor}`)).chats,
    };
  };

  beforeAll(async () => {
    [dora, gleb] = await app.people('Дора', 'Глеб');
    glebDevice = await app.device(gleb);
    await app.lastSeenStored(gleb);
    direct = await app.chat(gleb, dora);
    ({ message_id } = await glebDevice.send('chat:message:send', text(direct, 'прости')));
    await glebDevice.send('chat:message:pin', { message_id });
  });

  it('in the direct chat: the status stays as it was, and the own unread count goes on', async () => {
    await app.request('PUT', `users/${gleb.id}/block`, dora.token);
    const { cursor } = await get<SyncAnswer>('sync');
    const { change_seq } = await get<ChatDto>(`chats/${direct.id}`);
    const before = await seen(cursor, change_seq);
    expect(before).toMatchObject({ history: 'sent', changes: [], sync: [] });
    const tablet = await app.device(dora);
    const { cursor: doraDevice } = await get<SyncAnswer>('sync', dora);
    await tablet.send('chat:join', { chat_id: direct.id });
    await get(`chats/${direct.id}/messages`, dora);
    const read = await tablet.send('chat:message:read', { chat_id: direct.id, message_id });
    expect([read.status, read.unread_count]).toEqual(['ok', 0]);
    expect(await get(`chats/${direct.id}`, dora)).toMatchObject({ unread_count: 0, last_read_seq: 1 });
    const { chats } = await get<SyncAnswer>(`sync?cursor=${doraDevice}`, dora);
    expect(chats).toMatchObject([{ id: direct.id, unread_count: 0 }]);
    expect(await seen(cursor, change_seq)).toEqual(before);
    expect((await glebDevice.send('chat:message:delete', { message_id })).status).toBe('ok');
    for (const [device, status] of [
      [glebDevice, 'sent'],
      [tablet, 'read'],
    ] as const)
      expect((await device.next('chat:message:deleted', ({ id }) => id === message_id)).status).toBe(status);
    await glebDevice.settled();
    for (const event of ['chat:message:read', 'chat:message:delivered'] as const)
      expect(glebDevice.all(event).filter(({ chat_id }) => chat_id === direct.id)).toEqual([]);
  });

  it('after the unblock: the current marks are shown, and a catch-up returns them', async () => {
    const { change_seq } = await get<ChatDto>(`chats/${direct.id}`);
    const { cursor } = await get<SyncAnswer>('sync');
    await app.request('DELETE', `users/${gleb.id}/block`, dora.token);
    const { items } = await get<ChangePage>(`chats/${direct.id}/changes?after_change_seq=${change_seq}`);
    const numbers = items.map((item) => item.change_seq);
    expect(numbers).toEqual([change_seq + 1, change_seq + 2]);
    expect(items.find(({ marks }) => marks?.user_id === dora.id)?.marks).toMatchObject({ last_read_seq: 1 });
    expect((await get<SyncAnswer>(`sync?cursor=${cursor}`)).chats).toMatchObject([{ id: direct.id }]);
    expect((await get<MessagePage>(`chats/${direct.id}/messages`)).items[0]!.status).toBe('read');
    await app.request('DELETE', `users/${gleb.id}/block`, dora.token);
    expect((await get<ChatDto>(`chats/${direct.id}`)).change_seq).toBe(change_seq + 2);
  });

  it('in a group: presence and marks are hidden between the two, and from nobody else', async () => {
    const [vera, egor] = await app.people('Вера', 'Егор');
    const [doraDevice1, veraDevice, egorDevice] = await app.devices(dora, vera, egor);
    await app.request('PUT', `users/${gleb.id}/block`, dora.token);
    const group = await app.group(vera, dora, gleb, egor);
    const shownTo = ({ participants }: { participants: ChatDto['participants'] }, whom: Account) => {
      const { online, last_seen, last_read_seq } = participants.find(({ id }) => id === whom.id)!;
      return { online, last_seen, last_read_seq };
    };
    const hidden = { online: false, last_seen: null, last_read_seq: 0 };
    const { message_id: id } = await glebDevice.send('chat:message:send', text(group, 'Всем'));
    const read = (device: Device) => device.send('chat:message:read', { chat_id: group.id, message_id: id });
    await Promise.all([doraDevice1, veraDevice].map(read));
    await glebDevice.next(
      'chat:message:read',
      (receipt) => receipt.message_id === id && receipt.read_by === vera.id,
    );
    const history = async (by: Account) => (await app.history(by, group.id))[0]!.status;
    // Egor has not read it yet.
    for (const by of [gleb, vera]) expect(await history(by)).not.toBe('read');
    await read(egorDevice);
    await glebDevice.next(
      'chat:message:read',
      (receipt) => receipt.message_id === id && receipt.read_by === egor.id,
    );
    for (const event of ['chat:message:read', 'chat:message:delivered'] as const)
      for (const receipt of glebDevice.all(event).filter(({ message_id }) => message_id === id))
        expect(Object.values(receipt)).not.toContain(dora.id);
    await app.request('PATCH', `chats/${group.id}`, vera.token, { title: 'Все' });
    const received = async (device: Device) =>
      device.next('chat:updated', (c) => c.id === group.id && c.title === 'Все');
    const forms = {
      gleb: [
        await received(glebDevice),
        await get<ChatDto>(`chats/${group.id}`),
        (await get<ChatPage>('chats')).items.find((one) => one.id === group.id)!,
        { participants: (await get<ParticipantPage>(`chats/${group.id}/members`)).items },
      ],
      vera: [await received(veraDevice), await get<ChatDto>(`chats/${group.id}`, vera)],
    };
    for (const form of forms.gleb) {
      expect(shownTo(form, dora)).toEqual(hidden);
      expect(shownTo(form, vera)).toMatchObject({ online: true, last_read_seq: 1 });
    }
    for (const form of forms.vera)
      expect(shownTo(form, dora)).toMatchObject({ online: true, last_read_seq: 1 });
    expect(shownTo(await received(doraDevice1), gleb)).toEqual(hidden);
    const marks = await get<ChangePage>(`chats/${group.id}/changes`);
    expect(marks.items.map((item) => item.marks?.user_id)).not.toContain(dora.id);
    const receipts = await get<ReceiptPage>(`chats/${group.id}/messages/${id}/receipts`);
    expect(Object.fromEntries(receipts.items.map((one) => [one.user_id, one.status]))).toEqual({
      [dora.id]: 'sent',
      [vera.id]: 'read',
      [egor.id]: 'read',
    });
  });

  it('in a changed message: each of the two sees only what they may know', async () => {
    const [vera] = await app.people('Вера');
    const [doraDevice1, veraDevice] = await app.devices(dora, vera);
    const group = await app.group(vera, dora, gleb);
    const { message_id: id } = await veraDevice.send('chat:message:send', text(group, 'Кто?'));
    await glebDevice.send('chat:message:read', { chat_id: group.id, message_id: id });
    await doraDevice1.next('chat:message:new', (message) => message.id === id);
    await glebDevice.send('chat:message:react', { message_id: id, emoji: '👍', on: true });
    const status = async (device: Device) =>
      (await device.next('chat:message:reaction', (message) => message.id === id)).status;
    // Everybody whose read cursor Gleb may see has read it: only himself.
    expect(await status(glebDevice)).toBe('read');
    expect(await status(veraDevice)).not.toBe('read');
    expect(await status(doraDevice1)).not.toBe('read');
    await glebDevice.settled();
    expect(glebDevice.all('chat:message:reaction').filter((message) => message.id === id)).toHaveLength(1);
  });

  it('all users blocked by one member share one frame of a changed message and of a chat', async () => {
    const people = await app.people('Вера', 'Зоя', ...Array.from({ length: 5 }, (_, i) => `Ира ${i}`));
    const [vera, zoya, ...others] = people;
    for (const other of others) await app.request('PUT', `users/${other.id}/block`, zoya.token);
    const group = await app.group(vera, zoya, ...others);
    const [veraDevice, zoyas, ...theirs] = await app.devices(vera, zoya, ...others);
    const { message_id: id } = await veraDevice.send('chat:message:send', text(group, 'Всем'));
    // Only Zoya has not read it.
    for (const device of theirs)
      await device.send('chat:message:read', { chat_id: group.id, message_id: id });
    const publish = jest.spyOn(app.app.get(EventPublisher), 'publish');
    const deliverTo = jest.spyOn(app.app.get(Hub), 'deliverTo');
    await veraDevice.send('chat:message:react', { message_id: id, emoji: '👍', on: true });
    const status = async (device: Device) =>
      (await device.next('chat:message:reaction', (message) => message.id === id)).status;
    expect(await status(veraDevice)).not.toBe('read');
    expect(await status(zoyas)).toBe('sent');
    for (const device of theirs) expect(await status(device)).toBe('read');
    await app.request('PATCH', `chats/${group.id}`, vera.token, { title: 'Все' });
    for (const device of theirs) {
      const chat = await device.next('chat:updated', ({ title }) => title === 'Все');
      expect(chat.last_message!.status).toBe('read');
      expect(chat.participants.find((one) => one.id === zoya.id)!.online).toBe(false);
    }
    const frames = (event: string) => publish.mock.calls.filter((call) => call[1] === event).length;
    expect(frames('chat:message:reaction')).toBeLessThanOrEqual(3);
    // The frames of Vera, of Zoya, and of all others.
    const updates = deliverTo.mock.calls.filter(([, , event]) => (event.payload as ChatDto).title === 'Все');
    expect(updates).toHaveLength(3);
    publish.mockRestore();
    deliverTo.mockRestore();
  });
});

it('a group that both are in stays open to both', async () => {
  const [vera] = await app.people('Вера');
  const { body: group } = await app.request<ChatDto>('POST', 'chats', vera.token, {
    type: 'group',
    participant_ids: [anna.id, boris.id],
  });
  expect(await borisDevice.send('chat:message:send', text(group, 'To all'))).toMatchObject({
    status: 'sent',
  });
});

it('a message can still be deleted under a block, and the chat goes on after the unblock', async () => {
  expect(await borisDevice.send('chat:message:delete', { message_id })).toEqual({ status: 'ok' });
  await block('DELETE');
  expect(await borisDevice.send('chat:message:send', text(chat, 'After'))).toMatchObject({ status: 'sent' });
  expect(await said()).toEqual(['', 'After']);
});

it('a change to the message of a blocked user is answered with their old name', async () => {
  const [dora, gleb] = await app.people('Дора', 'Глеб');
  const group = await app.group(dora, gleb);
  const path = `chats/${group.id}/messages`;
  const said = { type: 'text', content: 'before' };
  const { message_id } = (await app.request<{ message_id: string }>('POST', path, gleb.token, said)).body;
  const [doraDevice1] = await app.devices(dora);
  await app.request('PUT', `users/${gleb.id}/block`, dora.token);
  await app.request('PATCH', 'users/me', gleb.token, { name: 'Тайна' });
  const { message } = await doraDevice1.send('chat:message:pin', { message_id });
  expect(message).toMatchObject({ id: message_id, sender_name: 'Глеб' });
});

it('a blocked user is shown without picture and trade, also in shares of others', async () => {
  const [dora, gleb, vera] = await app.people('Дора', 'Глеб', 'Вера');
  const avatar = 'https://example.com/gleb.jpg';
  await app.request('PATCH', 'users/me', gleb.token, { avatar, is_master: true });
  const written = { content: 'Привет', media_urls: [avatar] };
  const post = await app.request<{ id: string }>('POST', 'posts', gleb.token, written);
  const group = await app.group(vera, dora, gleb);
  for (const [type, content] of [
    ['profile_share', gleb.id],
    ['post_share', post.body.id],
  ])
    await app.request('POST', `chats/${group.id}/messages`, vera.token, { type, content });
  const shown = async (by: Account) => (await app.history(by, group.id)).map(({ metadata }) => metadata);
  const shared = (picture: string | null, is_master: boolean) => [
    { name: 'Глеб', avatar: picture, is_master },
    { author_id: gleb.id, author_name: 'Глеб', media_url: picture },
  ];
  expect(await shown(dora)).toEqual(shared(avatar, true));
  await app.request('PUT', `users/${gleb.id}/block`, dora.token);
  expect(await shown(dora)).toEqual(shared(null, false));
  expect(await shown(vera)).toEqual(shared(avatar, true));
  const member = async (by: Account) =>
    (await app.request<ChatDto>('GET', `chats/${group.id}`, by.token)).body.participants.find(
      ({ id }) => id === gleb.id,
    );
  expect(await member(dora)).toMatchObject({ name: 'Глеб', avatar: null, is_master: false });
  expect(await member(vera)).toMatchObject({ name: 'Глеб', avatar, is_master: true });
});
