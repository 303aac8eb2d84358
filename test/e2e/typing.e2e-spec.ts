import type { ChatDto } from '#contracts';
import { Device, TestApp, text, type Account } from '#testing';

let app: TestApp;
let anna: Account;
let boris: Account;
let chat: ChatDto;
let phone: Device;
let tablet: Device;
let borisDevice: Device;
let stranger: Device;
beforeAll(async () => {
  app = await TestApp.start({ PRESENCE_GRACE_MS: '50' });
  const [a, b, gleb] = await app.people('Анна', 'Борис', 'Глеб');
  [anna, boris] = [a, b];
  chat = await app.chat(anna, boris);
  [phone, tablet, borisDevice, stranger] = await app.devices(anna, anna, boris, gleb);
  await borisDevice.send('chat:message:send', text(chat));
  await borisDevice.next('chat:message:delivered');
});
afterAll(() => app.stop());

const type = (device: Device, is_typing: boolean) =>
  device.send('chat:typing', { chat_id: chat.id, is_typing });

it('typing reaches other members, not the typing user’s devices or strangers, and is not stored', async () => {
  const before = await app.rows('SELECT * FROM chats');
  expect(await type(phone, true)).toEqual({ status: 'ok' });
  expect(await type(phone, false)).toEqual({ status: 'ok' });
  for (const device of [phone, tablet, borisDevice, stranger]) await device.settled();
  const about = { chat_id: chat.id, user_id: anna.id, user_name: 'Анна' };
  expect(borisDevice.all('chat:typing')).toEqual([
    { ...about, is_typing: true },
    { ...about, is_typing: false },
  ]);
  for (const device of [phone, tablet, stranger]) expect(device.all('chat:typing')).toEqual([]);
  expect(await app.rows('SELECT * FROM chats')).toEqual(before);
  expect(await app.rows('SELECT FROM messages')).toHaveLength(1);
});

it('typing ends when the typing device disconnects or leaves the chat', async () => {
  const stops = () => borisDevice.all('chat:typing').filter(({ is_typing }) => !is_typing).length;
  const second = await app.device(anna);
  await type(second, true);
  let before = stops();
  second.close();
  await borisDevice.until(() => stops() > before || undefined, 'typing did not stop', 2000);
  await type(phone, true);
  before = stops();
  await phone.send('chat:leave', { chat_id: chat.id });
  await borisDevice.until(() => stops() > before || undefined, 'typing did not stop', 2000);
});

it('typing ends in the last state that a device sent, however close together', async () => {
  const words = () => borisDevice.all('chat:typing').map(({ is_typing }) => is_typing);
  for (let round = 0; round < 50; round++) {
    const end = () => (round % 5 ? type(phone, false) : phone.send('chat:leave', { chat_id: chat.id }));
    await Promise.all([type(phone, true), end()]);
    await borisDevice.settled();
    expect([round, words().at(-1)]).toEqual([round, false]);
  }
  const [egor] = await app.people('Егор');
  const group = await app.group(egor, boris);
  for (const device of await app.devices(...Array.from({ length: 5 }, () => egor))) {
    device.socket.emit('chat:typing', { chat_id: group.id, is_typing: true });
    device.close();
  }
  await borisDevice.next('user:offline', ({ user_id }) => user_id === egor.id);
  await borisDevice.settled();
  const egorDevice = borisDevice.all('chat:typing').filter(({ user_id }) => user_id === egor.id);
  expect(egorDevice.at(-1)?.is_typing ?? false).toBe(false);
});

it('typing does not cross a block in a group, also for a device of the joined scope', async () => {
  const [cut, vera] = await app.people('Катя', 'Вера');
  const group = await app.group(anna, cut, vera);
  await app.request('PUT', `users/${cut.id}/block`, anna.token);
  const theirs = await app.devices(cut, cut, vera);
  const scoped = app.keep(
    await Device.connect(app.url, cut.token, { auth: { token: cut.token, scope: 'joined' } }),
  );
  await scoped.send('chat:join', { chat_id: group.id });
  for (const is_typing of [true, false]) await phone.send('chat:typing', { chat_id: group.id, is_typing });
  await theirs[2].next('chat:typing', ({ is_typing }) => !is_typing);
  await theirs[2].send('chat:typing', { chat_id: group.id, is_typing: true });
  for (const device of [theirs[0], theirs[1], scoped]) {
    await device.next('chat:typing', ({ user_id }) => user_id === vera.id);
    expect(device.all('chat:typing')).toHaveLength(1);
  }
});

it('typing ends with a block, for both sides, and only if somebody typed', async () => {
  const [dora, egor] = await app.people('Дора', 'Егор');
  const direct = await app.chat(dora, egor);
  const [doraDevice, second, theirs] = await app.devices(dora, dora, egor);
  await doraDevice.send('chat:message:send', text(direct));
  for (const device of [doraDevice, second, theirs])
    await device.send('chat:typing', { chat_id: direct.id, is_typing: true });
  await doraDevice.next('chat:typing');
  await theirs.next('chat:typing');
  const block = (method: string) => app.request(method, `users/${egor.id}/block`, dora.token);
  await block('PUT');
  const words = (device: Device) => device.all('chat:typing').map(({ is_typing }) => is_typing);
  for (const device of [doraDevice, theirs]) await device.next('chat:typing', ({ is_typing }) => !is_typing);
  expect((await theirs.send('chat:typing', { chat_id: direct.id, is_typing: true })).code).toBe('FORBIDDEN');
  await block('DELETE');
  await block('PUT');
  for (const device of [doraDevice, second, theirs]) await device.settled();
  for (const device of [doraDevice, second]) expect(words(device)).toEqual([true, false]);
  expect(words(theirs)).toEqual([true, true, false]);
});

it('typing in a group ends with a block for the other side, and begins again only for the others', async () => {
  const [dora, egor, vera] = await app.people('Дора', 'Егор', 'Вера');
  const group = await app.group(dora, egor, vera);
  const [otherDevice, egorDevice, veraDevice] = await app.devices(dora, egor, vera);
  const words = (device: Device, { id }: Account) =>
    device.all('chat:typing').flatMap(({ user_id, is_typing }) => (user_id === id ? [is_typing] : []));
  const typeAll = async () => {
    for (const device of [otherDevice, egorDevice])
      await device.send('chat:typing', { chat_id: group.id, is_typing: true });
  };
  await typeAll();
  await otherDevice.next('chat:typing');
  await egorDevice.next('chat:typing');
  await app.request('PUT', `users/${egor.id}/block`, dora.token);
  for (const device of [otherDevice, egorDevice])
    await device.next('chat:typing', ({ is_typing }) => !is_typing);
  await typeAll();
  for (const { id } of [dora, egor])
    await veraDevice.until(
      () => words(veraDevice, { id } as Account).join() === 'true,false,true' || undefined,
      'typing did not begin again',
    );
  for (const device of [otherDevice, egorDevice]) await device.settled();
  expect([words(otherDevice, egor), words(egorDevice, dora)]).toEqual([
    [true, false],
    [true, false],
  ]);
});

it('typing in a group ends when the member is removed or leaves, and not in other chats', async () => {
  const [dora, egor, vera] = await app.people('Дора', 'Егор', 'Вера');
  const [group, other] = [await app.group(dora, egor, vera), await app.group(dora, egor, vera)];
  const [egorDevice, veraDevice, doraDevice] = await app.devices(egor, vera, dora);
  const words = (chatId: string) =>
    doraDevice.all('chat:typing').flatMap((one) => (one.chat_id === chatId ? [one.is_typing] : []));
  for (const device of [egorDevice, veraDevice])
    for (const { id } of [group, other]) await device.send('chat:typing', { chat_id: id, is_typing: true });
  await app.request('DELETE', `chats/${group.id}/members/${egor.id}`, dora.token);
  await app.request('DELETE', `chats/${group.id}/members/${vera.id}`, vera.token);
  for (const { id } of [egor, vera])
    await doraDevice.next('chat:typing', ({ user_id, is_typing }) => user_id === id && !is_typing);
  await doraDevice.settled();
  expect([words(group.id), words(other.id)]).toEqual([
    [true, true, false, false],
    [true, true],
  ]);
});

it('typing carries the current name; a new name is published once to those who show it', async () => {
  const [cut] = await app.people('Дора');
  await app.group(anna, cut, boris);
  const theirs = await app.device(cut);
  await app.request('PUT', `users/${cut.id}/block`, anna.token);
  const rename = async (body: object) =>
    expect((await app.request('PATCH', 'users/me', anna.token, body)).status).toBe(200);
  await rename({ name: 'Анна Новая', avatar: 'https://example.com/new.jpg' });
  const updated = { user_id: anna.id, name: 'Анна Новая', avatar: 'https://example.com/new.jpg' };
  for (const device of [phone, tablet, borisDevice])
    expect(await device.next('user:updated', ({ user_id }) => user_id === anna.id)).toMatchObject(updated);
  // A change that nobody is shown is not published.
  await rename({ name: 'Анна Новая', locale: 'en' });
  await type(phone, true);
  await type(phone, false);
  for (const device of [phone, borisDevice, theirs, stranger]) await device.settled();
  const names = borisDevice.all('chat:typing').slice(-2);
  expect(names.map(({ user_name }) => user_name)).toEqual(['Анна Новая', 'Анна Новая']);
  expect(borisDevice.all('user:updated')).toHaveLength(1);
  for (const device of [theirs, stranger]) expect(device.all('user:updated')).toEqual([]);
});

it('a device can leave any chat, also after a removal and an unknown one', async () => {
  const group = await app.group(boris, anna);
  await app.request('DELETE', `chats/${group.id}/members/${anna.id}`, boris.token);
  for (const chat_id of [group.id, anna.id]) {
    expect(await phone.send('chat:leave', { chat_id })).toEqual({ status: 'left', chat_id });
    expect((await phone.send('chat:join', { chat_id })).status).toBe('error');
  }
  expect((await phone.send('chat:leave', { chat_id: 'x' })).code).toBe('INVALID_DATA');
});

it('typing is refused for strangers and unknown chats', async () => {
  expect((await type(stranger, true)).code).toBe('FORBIDDEN');
  const nowhere = { chat_id: anna.id, is_typing: true };
  expect((await phone.send('chat:typing', nowhere)).code).toBe('CHAT_NOT_FOUND');
  const received = borisDevice.all('chat:typing').length;
  await phone.send('chat:message:send', text(chat));
  await borisDevice.settled();
  expect(borisDevice.all('chat:typing')).toHaveLength(received);
});
