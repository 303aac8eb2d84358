import type { ChatDto, ErrorBody, MeDto, MessagesAck } from '#contracts';
import { TestApp, text, type Account, type Device } from '#testing';

let app: TestApp;
let anna: Account;
let boris: Account;
let vera: Account;
let annaDevice: Device;
let borisDevice: Device;
beforeAll(async () => (app = await TestApp.start()));
afterAll(() => app.stop());
beforeEach(async () => {
  [anna, boris, vera] = await app.people('Анна', 'Борис', 'Вера');
  [annaDevice, borisDevice] = await app.devices(anna, boris);
});

const refused = { code: 'FORBIDDEN', reason: 'not_accepted' };
const settings = (who: Account, body: object) => app.request<MeDto>('PATCH', 'users/me', who.token, body);
const open = (by: Account, type: 'direct' | 'group', ...others: Account[]) =>
  app.request<ChatDto & ErrorBody>('POST', 'chats', by.token, {
    type,
    participant_ids: others.map(({ id }) => id),
  });
const add = (chat: ChatDto, by: Account, ...others: Account[]) =>
  app.request<ChatDto & ErrorBody>('POST', `chats/${chat.id}/members`, by.token, {
    user_ids: others.map(({ id }) => id),
  });
const befriend = (a: Account, b: Account) =>
  app.rows('INSERT INTO friends (user_id, friend_id) VALUES ($1, $2), ($2, $1)', [a.id, b.id]);
const chatsOf = ({ id }: Account) => app.rows('SELECT chat_id FROM chat_members WHERE user_id = $1', [id]);

it('everyone may write and add by default, and a changed setting is returned and kept', async () => {
  const me = async () => (await app.request<MeDto>('GET', 'users/me', anna.token)).body;
  expect(await me()).toMatchObject({ messages_from: 'everyone', groups_from: 'everyone' });
  expect((await settings(anna, { messages_from: 'friends' })).body).toMatchObject({
    messages_from: 'friends',
    groups_from: 'everyone',
  });
  await settings(anna, { groups_from: 'nobody' });
  expect((await settings(anna, { messages_from: 'strangers' })).status).toBe(400);
  expect(await me()).toMatchObject({ messages_from: 'friends', groups_from: 'nobody' });
});

describe('a direct chat', () => {
  it.each([
    ['friends', 403, 201],
    ['nobody', 403, 403],
  ])('can be started only by them when the user accepts messages from %s', async (from, stranger, friend) => {
    await settings(anna, { messages_from: from });
    await befriend(anna, vera);
    const answers = [await open(boris, 'direct', anna), await open(vera, 'direct', anna)];
    expect(answers.map(({ status }) => status)).toEqual([stranger, friend]);
    expect(answers[0]!.body).toMatchObject(refused);
    expect(await borisDevice.send('chat:get', { recipient_id: anna.id })).toMatchObject(refused);
    expect(await chatsOf(boris)).toEqual([]);
  });

  it('without messages is closed by the setting, for messages and forwards', async () => {
    const elsewhere = await app.chat(boris, vera);
    const { message_id } = await borisDevice.send('chat:message:send', text(elsewhere, 'Привет'));
    const chat = await app.chat(boris, anna);
    await settings(anna, { messages_from: 'nobody' });
    const forward = { message_ids: [message_id], to_chat_id: chat.id };
    expect(await borisDevice.send('chat:message:send', text(chat, 'x'))).toMatchObject(refused);
    expect(await borisDevice.send('chat:message:forward', forward)).toMatchObject(refused);
    const path = `chats/${chat.id}/messages`;
    const answer = await app.request('POST', path, boris.token, { type: 'text', content: 'x' });
    expect([answer.status, answer.body]).toMatchObject([403, refused]);
    expect(await app.history(boris, chat.id)).toEqual([]);
    await settings(anna, { messages_from: 'everyone' });
    const { items }: MessagesAck = await borisDevice.send('chat:message:forward', forward);
    expect(items).toHaveLength(1);
  });

  it('goes on once it has a message or both have opened it', async () => {
    const talked = await app.chat(boris, anna);
    await borisDevice.send('chat:message:send', text(talked, 'x'));
    await settings(anna, { messages_from: 'nobody' });
    expect(await borisDevice.send('chat:message:send', text(talked, 'y'))).toMatchObject({ seq: 2 });
    const opened = await app.chat(anna, vera);
    const veraDevice = await app.device(vera);
    expect(await veraDevice.send('chat:message:send', text(opened, 'x'))).toMatchObject({ seq: 1 });
    // Started by the side that accepts nobody: the other side had nothing to accept.
    expect((await open(vera, 'direct', anna)).status).toBe(200);
  });

  it('is accepted when the other side opens it, too', async () => {
    const chat = await app.chat(boris, anna);
    await settings(anna, { messages_from: 'nobody' });
    expect(await borisDevice.send('chat:message:send', text(chat, 'x'))).toMatchObject(refused);
    await annaDevice.send('chat:get', { recipient_id: boris.id });
    expect(await borisDevice.send('chat:message:send', text(chat, 'x'))).toMatchObject({ seq: 1 });
  });
});

describe('a group', () => {
  it.each([
    ['friends', [403, 201]],
    ['nobody', [403, 403]],
  ])('accepts a user who lets %s add them only from these', async (from, [stranger, friend]) => {
    await settings(anna, { groups_from: from });
    await befriend(anna, vera);
    const [borisGroup, veraGroup] = [await app.group(boris, vera), await app.group(vera, boris)];
    for (const [by, chat, other, status] of [
      [boris, borisGroup, vera, stranger],
      [vera, veraGroup, boris, friend],
    ] as const) {
      const answers = [await open(by, 'group', other, anna), await add(chat, by, anna)];
      expect(answers.map((answer) => answer.status)).toEqual([status, status]);
    }
  });

  it('names the users who refuse, and adds nobody', async () => {
    await settings(anna, { groups_from: 'nobody' });
    const chat = await app.group(boris, await app.register());
    const before = await chatsOf(boris);
    for (const [field, answer] of [
      ['participant_ids', await open(boris, 'group', vera, anna)],
      ['user_ids', await add(chat, boris, vera, anna)],
    ] as const)
      expect(answer.body).toMatchObject({ ...refused, details: [{ field, message: anna.id }] });
    expect([await chatsOf(boris), await chatsOf(vera), await chatsOf(anna)]).toEqual([before, [], []]);
  });

  it('keeps its present members', async () => {
    const chat = await app.group(boris, anna);
    await settings(anna, { groups_from: 'nobody', messages_from: 'nobody' });
    expect((await add(chat, boris, anna, vera)).status).toBe(201);
    expect(await borisDevice.send('chat:message:send', text(chat, 'x'))).toMatchObject({ seq: 1 });
  });
});
