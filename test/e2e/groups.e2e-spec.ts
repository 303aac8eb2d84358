import { Memberships } from '#chat';
import { ChatDto, ChatPage, ParticipantPage, type MEMBER_ROLES, type ReceiptPage } from '#contracts';
import { EventPublisher } from '#realtime';
import { expectStatus, contractErrors, Device, TestApp, text, type Account } from '#testing';
import { randomUUID } from 'node:crypto';

let app: TestApp;
let anna: Account;
let boris: Account;
let vera: Account;
let stranger: Account;
let annaDevice: Device;
let borisDevice: Device;
let veraDevice: Device;
beforeAll(async () => {
  app = await TestApp.start();
  [anna, boris, vera, stranger] = await app.people('Анна', 'Борис', 'Вера', 'Глеб');
  [annaDevice, borisDevice, veraDevice] = await app.devices(anna, boris, vera);
});
afterAll(() => app.stop());

const post = (path: string, account: Account, body: object) =>
  app.request<ChatDto>('POST', path, account.token, body);
const add = (chat: ChatDto, by: Account, ...people: { id: string }[]) =>
  post(`chats/${chat.id}/members`, by, { user_ids: people.map(({ id }) => id) });
const remove = (chat: ChatDto, by: Account, whom: { id: string }) =>
  app.request('DELETE', `chats/${chat.id}/members/${whom.id}`, by.token);
const send = (device: Device, chat: ChatDto, content = 'x') =>
  device.send('chat:message:send', text(chat, content));
const roles = async (chat: ChatDto, by = anna) => {
  const { body } = await app.request<ParticipantPage>('GET', `chats/${chat.id}/members`, by.token);
  expect(contractErrors(ParticipantPage, body)).toEqual([]);
  return Object.fromEntries(body.items.map(({ id, role }) => [id, role])) as Record<
    string,
    (typeof MEMBER_ROLES)[number]
  >;
};
const setRole = (chat: ChatDto, { id }: Account, role: string) =>
  app.rows('UPDATE chat_members SET role = $3::member_role WHERE chat_id = $1 AND user_id = $2', [
    chat.id,
    id,
    role,
  ]);

describe('a group', () => {
  it('is announced to every device of every member, with the same view', async () => {
    const { status, body } = await post('chats', anna, {
      type: 'group',
      title: ' Маникюр ',
      participant_ids: [boris.id, boris.id.toUpperCase(), anna.id],
    });
    expect([status, contractErrors(ChatDto, body)]).toEqual([201, []]);
    expect(body).toMatchObject({
      type: 'group',
      title: 'Маникюр',
      member_count: 2,
      last_seq: 0,
      last_message: null,
    });
    expect(await roles(body)).toEqual({ [anna.id]: 'owner', [boris.id]: 'member' });
    for (const device of [annaDevice, borisDevice])
      await device.next('chat:created', ({ id }) => id === body.id);
    const list = await app.request<ChatPage>('GET', 'chats', boris.token);
    expect(contractErrors(ChatPage, list.body)).toEqual([]);
    expect(list.body.items[0]).toEqual((await app.request('GET', `chats/${body.id}`, boris.token)).body);
  });

  it('is renamed by its owner and admins, and each member receives their own view', async () => {
    const chat = await app.group(anna, boris, vera);
    const rename = (by: Account, body: object) =>
      app.request<ChatDto>('PATCH', `chats/${chat.id}`, by.token, body);
    expect((await rename(boris, { title: 'his' })).status).toBe(403);
    await setRole(chat, boris, 'admin');
    await send(annaDevice, chat);
    const avatar = 'https://example.com/a.jpg';
    const { status, body } = await rename(boris, { title: 'ours', avatar });
    expect([status, body.title, body.avatar, body.unread_count]).toEqual([200, 'ours', avatar, 1]);
    const received = await annaDevice.next(
      'chat:updated',
      ({ id, title }) => id === chat.id && title === 'ours',
    );
    expect(received.unread_count).toBe(0);
    await veraDevice.next('chat:updated', ({ id, title }) => id === chat.id && title === 'ours');
    expect((await rename(boris, { avatar: null })).body).toMatchObject({ title: 'ours', avatar: null });
    expect((await rename(boris, { title: ' ' })).status).toBe(400);
    expect((await rename(boris, { avatar: 'javascript:x' })).status).toBe(400);
  });

  it('gets new members from its owner and admins', async () => {
    const chat = await app.group(anna, boris);
    expect((await add(chat, boris, vera)).status).toBe(403);
    expect((await add(chat, anna, { id: randomUUID() })).status).toBe(404);
    const added = await add(chat, anna, vera, boris);
    expect([added.status, added.body.member_count]).toEqual([201, 3]);
    await veraDevice.next('chat:created', ({ id }) => id === chat.id);
    await borisDevice.next('chat:updated', ({ id, member_count }) => id === chat.id && member_count === 3);
    const { message_id } = await send(annaDevice, chat);
    await veraDevice.next('chat:message:new', ({ id }) => id === message_id);
    const again = await Promise.all([add(chat, anna, stranger), add(chat, anna, stranger)]);
    expect(again.map(({ status }) => status)).toEqual([201, 201]);
    expect((await app.request<ChatDto>('GET', `chats/${chat.id}`, anna.token)).body.member_count).toBe(4);
  });

  it('has at most 1,024 members', async () => {
    const chat = await app.group(anna, boris);
    const manyPeople = await app.manyPeople(1022);
    await app.rows('INSERT INTO chat_members (chat_id, user_id) SELECT $1, unnest($2::uuid[])', [
      chat.id,
      manyPeople.slice(0, 1021),
    ]);
    await app.rows('UPDATE chats SET member_count = 1023 WHERE id = $1', [chat.id]);
    const refused = await add(chat, anna, vera, { id: manyPeople[1021]! });
    expect([refused.status, refused.body]).toMatchObject([
      409,
      { code: 'CONFLICT', reason: 'too_many_members' },
    ]);
    expect((await add(chat, anna, vera)).status).toBe(201);
    expect((await add(chat, anna, { id: manyPeople[1021]! })).status).toBe(409);
  });
});

describe('a member who is removed or leaves', () => {
  it('receives nothing more, reads up to the leaving, and gets the gap only on return', async () => {
    const chat = await app.group(anna, boris, vera);
    const tablet = await app.device(vera);
    await send(annaDevice, chat, 'before');
    expect((await remove(chat, anna, vera)).status).toBe(204);
    const { message_id } = await send(annaDevice, chat, 'without her');
    await annaDevice.send('chat:typing', { chat_id: chat.id, is_typing: true });
    for (const device of [veraDevice, tablet]) {
      await device.settled();
      const events = device.received.filter(
        ({ payload }) => (payload as { chat_id?: string }).chat_id === chat.id,
      );
      expect(events.filter(({ event }) => event === 'chat:message:new')).toHaveLength(1);
      expect(events.filter(({ event }) => event === 'chat:typing')).toHaveLength(0);
    }
    const contents = async () => (await app.history(vera, chat.id)).map(({ content }) => content);
    expect(await contents()).toEqual(['before']);
    const found = await app.request('GET', `chats/${chat.id}/messages/search?query=without`, vera.token);
    expect(found.body).toMatchObject({ items: [] });
    expect((await send(veraDevice, chat)).code).toBe('FORBIDDEN');
    expect((await veraDevice.send('chat:message:react', { message_id, emoji: '👍', on: true })).code).toBe(
      'FORBIDDEN',
    );
    expect(
      (await app.request('GET', `chats/${chat.id}/messages/${message_id}/receipts`, vera.token)).status,
    ).toBe(403);
    expect((await add(chat, anna, vera)).status).toBe(201);
    await send(annaDevice, chat, 'back');
    for (const device of [veraDevice, tablet])
      await device.next(
        'chat:message:new',
        ({ chat_id, content }) => chat_id === chat.id && content === 'back',
      );
    expect(await contents()).toEqual(['before', 'without her', 'back']);
    expect((await send(veraDevice, chat)).status).toBe('sent');
  });

  it('stays listed in the receipts, which only the sender of a message may see', async () => {
    const chat = await app.group(anna, boris, vera);
    const { message_id } = await send(borisDevice, chat);
    await veraDevice.send('chat:message:read', { chat_id: chat.id, message_id });
    const receipts = (by: Account) =>
      app.request<ReceiptPage>('GET', `chats/${chat.id}/messages/${message_id}/receipts`, by.token);
    const { status, body } = await receipts(boris);
    expect([status, body.items.find(({ user_id }) => user_id === vera.id)?.status]).toEqual([200, 'read']);
    for (const other of [anna, vera]) expect((await receipts(other)).body.code).toBe('FORBIDDEN');
  });

  it('stays out when it reconnects', async () => {
    const chat = await app.group(anna, boris, vera);
    await remove(chat, vera, vera);
    const device = await app.device(vera);
    await send(annaDevice, chat);
    await device.settled();
    expect(device.all('chat:message:new').filter(({ chat_id }) => chat_id === chat.id)).toEqual([]);
  });

  it('stays out when the removal happens while they connect, after their chats have been read', async () => {
    const chat = await app.group(anna, boris, vera);
    const memberships = app.app.get(Memberships);
    const lookUp = memberships.chatIdsOf.bind(memberships);
    jest.spyOn(memberships, 'chatIdsOf').mockImplementationOnce(async (userId) => {
      const found = await lookUp(userId);
      expect(found.chatIds).toContain(chat.id);
      await remove(chat, anna, vera);
      return found;
    });
    const device = await app.device(vera);
    await send(annaDevice, chat);
    await device.settled();
    expect(device.all('chat:message:new').filter(({ chat_id }) => chat_id === chat.id)).toEqual([]);
  });

  it('leaves and returns in the stored order, even if the changes are published in another', async () => {
    const chat = await app.group(anna, boris);
    const publisher = app.app.get(EventPublisher);
    /** A node that stalls between its commit and the publish. */
    const late = () => {
      const subscriptionsChanged = publisher.subscriptionsChanged.bind(publisher);
      let publish = () => {};
      jest.spyOn(publisher, 'subscriptionsChanged').mockImplementationOnce((...args) => {
        publish = () => subscriptionsChanged(...args);
      });
      return () => publish();
    };
    const joins = late();
    await add(chat, anna, vera);
    await remove(chat, anna, vera);
    joins();
    await send(annaDevice, chat, 'without her');
    // Earlier events have arrived once she receives one of a chat that was created later.
    await send(annaDevice, await app.group(anna, vera), 'known');
    await veraDevice.next('chat:message:new', ({ content }) => content === 'known');
    await add(chat, anna, vera);
    const leaves = late();
    await remove(chat, anna, vera);
    await add(chat, anna, vera);
    leaves();
    await send(annaDevice, chat, 'with her');
    await veraDevice.next('chat:message:new', ({ content }) => content === 'with her');
    expect(veraDevice.all('chat:message:new').map(({ content }) => content)).not.toContain('without her');
  });

  it('cannot be removed again: nothing is published to any node', async () => {
    const chat = await app.group(anna, boris, vera);
    await remove(chat, anna, vera);
    const changed = jest.spyOn(app.app.get(EventPublisher), 'subscriptionsChanged').mockClear();
    expect((await remove(chat, anna, vera)).status).toBe(404);
    expect(changed).not.toHaveBeenCalled();
  });

  it('can be removed by the owner, removed by an admin if not an admin, or leave', async () => {
    const chat = await app.group(anna, boris, vera, stranger);
    expect((await remove(chat, boris, vera)).status).toBe(403);
    await setRole(chat, boris, 'admin');
    await setRole(chat, vera, 'admin');
    expect((await remove(chat, boris, vera)).status).toBe(403);
    expect((await remove(chat, boris, anna)).status).toBe(403);
    expect((await remove(chat, boris, stranger)).status).toBe(204);
    expect((await remove(chat, anna, stranger)).status).toBe(404);
    expect((await remove(chat, anna, vera)).status).toBe(204);
    expect((await remove(chat, boris, boris)).status).toBe(204);
    expect(await roles(chat)).toEqual({ [anna.id]: 'owner' });
  });

  it.each(['admin', 'member'] as const)(
    'passes a group on to an admin, or else to the longest member: the later one is %s',
    async (role) => {
      // In both orders, so that the choice does not depend on the ids.
      for (const [first, later] of [
        [boris, vera],
        [vera, boris],
      ] as const) {
        const chat = await app.group(anna, first);
        await add(chat, anna, later);
        if (role === 'admin') await setRole(chat, later, role);
        await remove(chat, anna, anna);
        const [owner, other] = role === 'admin' ? [later, first] : [first, later];
        expect(await roles(chat, owner)).toEqual({ [owner.id]: 'owner', [other.id]: 'member' });
      }
    },
  );

  it('leaves a group empty if they are its last member', async () => {
    const chat = await app.group(anna, boris);
    await remove(chat, anna, anna);
    expect(await roles(chat, boris)).toEqual({ [boris.id]: 'owner' });
    // Boris is not her friend, so he cannot add her, alone or with others.
    for (const others of [[], [vera]]) {
      const { status, body } = await add(chat, boris, anna, ...others);
      expect([status, body]).toMatchObject([403, { code: 'FORBIDDEN', reason: 'not_accepted' }]);
    }
    expect(await roles(chat, boris)).toEqual({ [boris.id]: 'owner' });
    const friends = 'INSERT INTO friends (user_id, friend_id) VALUES ($1, $2), ($2, $1)';
    await app.rows(friends, [anna.id, boris.id]);
    expect((await add(chat, boris, anna)).status).toBe(201);
    expect(await roles(chat)).toEqual({ [boris.id]: 'owner', [anna.id]: 'member' });
    await remove(chat, boris, anna);
    expect((await remove(chat, boris, boris)).status).toBe(204);
    expect((await app.request('GET', `chats/${chat.id}`, boris.token)).status).toBe(403);
  });

  it('leaves one owner when all leave at once', async () => {
    const chat = await app.group(anna, boris, vera, stranger);
    await Promise.all([remove(chat, anna, anna), remove(chat, boris, boris), remove(chat, vera, vera)]);
    expect(await roles(chat, stranger)).toEqual({ [stranger.id]: 'owner' });
  });
});

it('the list of chats is paged by newest activity', async () => {
  const me = await app.register('Дора');
  const chats = [await app.group(me, anna), await app.group(me, anna), await app.group(me, anna)];
  const device = await app.device(me);
  await send(device, chats[0]!);
  const order = [chats[0], chats[2], chats[1]].map((chat) => chat!.id);
  const listed: string[] = [];
  for (let cursor = ''; cursor !== 'end';) {
    const { body } = await app.request<ChatPage>(
      'GET',
      `chats?limit=1${cursor && `&cursor=${cursor}`}`,
      me.token,
    );
    listed.push(...body.items.map(({ id }) => id));
    cursor = body.next_cursor ?? 'end';
  }
  expect(listed).toEqual(order);
  const forged = (...keys: unknown[]) => Buffer.from(JSON.stringify(keys)).toString('base64url');
  for (const bad of [
    'garbage',
    forged(),
    forged(1e300, 'x'),
    forged(9e15, 'x'),
    forged(-8e15, 'x'),
    forged(1, '\0'),
    forged('1', 'x'),
  ])
    expectStatus(await app.request('GET', `chats?cursor=${bad}`, me.token), 400);
});
