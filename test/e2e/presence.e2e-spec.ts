import type { ChatDto, PresenceItem, UserDto } from '#contracts';
import { DatabaseSession, createTestDatabase, Device, itAlone, TestApp, text, type Account } from '#testing';
import { randomUUID } from 'node:crypto';

const GRACE_MS = 300;

describe('presence with everybody as its audience', () => {
  let app: TestApp;
  let witness: Device;
  beforeAll(async () => {
    app = await TestApp.start();
    witness = await app.device(await app.register('Свидетель'));
  });
  afterAll(() => app.stop());

  const eventsOf = ({ id }: Account) =>
    witness.received
      .filter(({ event, payload }) => event.startsWith('user:') && (payload as PresenceItem).user_id === id)
      .map(({ event }) => event);
  const goes = (account: Account) => witness.next('user:offline', ({ user_id }) => user_id === account.id);

  it('is published for the first device and the last one, with the time', async () => {
    const anna = await app.register('Анна');
    const [phone, tablet] = await app.devices(anna, anna);
    const came = await witness.next('user:online', ({ user_id }) => user_id === anna.id);
    expect(came).toEqual({ user_id: anna.id, online: true, last_seen: expect.any(String) });
    const { body } = await app.request<UserDto>('GET', `users/${anna.id}`, anna.token);
    expect(body.online).toBe(true);
    phone.close();
    const left = Date.now();
    tablet.close();
    const gone = await goes(anna);
    expect(Date.now() - left).toBeGreaterThanOrEqual(GRACE_MS - 10);
    expect(gone).toMatchObject({ online: false });
    expect(Math.abs(Date.parse(gone.last_seen) - left)).toBeLessThan(200);
    expect(eventsOf(anna)).toEqual(['user:online', 'user:offline']);
  });

  it('does not flicker when a device reconnects', async () => {
    const anna = await app.register('Анна');
    for (let i = 0; i < 3; i++) (await app.device(anna)).close();
    const last = await app.device(anna);
    await new Promise((resolve) => setTimeout(resolve, GRACE_MS + 50));
    await witness.settled();
    expect(eventsOf(anna)).toEqual(['user:online']);
    last.close();
    await goes(anna);
  });

  it('stores the time when a user was last seen', async () => {
    const anna = await app.register('Анна');
    (await app.device(anna)).close();
    const { last_seen } = await goes(anna);
    const stored = async () => {
      const { items } = await witness.send('presence:get', { user_ids: [anna.id] });
      return items[0]!.last_seen;
    };
    for (let i = 0; i < 60 && (await stored()) !== last_seen; i++)
      await new Promise((r) => setTimeout(r, 50));
    expect(await stored()).toBe(last_seen);
    const [row] = await app.rows<{ at: Date }>('SELECT last_seen_at AS at FROM users WHERE id = $1', [
      anna.id,
    ]);
    expect(row!.at.toISOString()).toBe(last_seen);
  });

  it('answers presence:get, and GET presence, for each id in order', async () => {
    const [anna, boris] = await app.people('Анна', 'Борис');
    await app.device(anna);
    const unknown = randomUUID();
    const ids = [boris.id, anna.id, unknown];
    const { items } = await witness.send('presence:get', { user_ids: [...ids, anna.id.toUpperCase()] });
    expect(items.map(({ user_id, online }) => [user_id, online])).toEqual([
      [boris.id, false],
      [anna.id, true],
      [unknown, false],
    ]);
    const { body } = await app.request('GET', `presence?user_ids=${ids.join()}`, anna.token);
    expect(body).toEqual({ items: expect.any(Array), next_cursor: null });
    for (const user_ids of [[], ['x'], 'x', Array.from({ length: 201 }, () => randomUUID())])
      expect((await witness.send('presence:get', { user_ids })).code).toBe('INVALID_DATA');
  });

  it('lists users with their presence, without oneself, page by page', async () => {
    const [anna, boris, me] = await app.people('Zinaida Aaa', 'Zinaida Bbb', 'Zinaida Ccc');
    const [, mine] = await app.devices(anna, me);
    const first = await mine.send('users:list', { query: 'zinaida', limit: 1 });
    expect(first.items).toMatchObject([{ id: anna.id, name: 'Zinaida Aaa', avatar: null, online: true }]);
    const rest = await mine.send('users:list', { query: 'zinaida', cursor: first.next_cursor });
    expect(rest).toMatchObject({ items: [{ id: boris.id, online: false }], next_cursor: null });
    expect((await mine.send('users:list', { query: null, limit: null, cursor: null })).status).toBe('ok');
    expect((await mine.send('users:list', { cursor: 'garbage' })).code).toBe('INVALID_DATA');
    expect((await mine.send('users:list', { limit: 0 })).code).toBe('INVALID_DATA');
  });
});

describe('presence with contacts as its audience', () => {
  let app: TestApp;
  let partner: Device;
  let watcher: Device;
  let stranger: Device;
  let anna: Account;
  let chat: ChatDto;
  beforeAll(async () => {
    app = await TestApp.start({ PRESENCE_AUDIENCE: 'contacts', PRESENCE_GRACE_MS: '50' });
    const [a, b, c, d] = await app.people('Анна', 'Борис', 'Вера', 'Глеб');
    anna = a;
    chat = await app.chat(anna, b);
    [partner, watcher, stranger] = await app.devices(b, c, d);
    await partner.send('chat:message:send', text(chat));
  });
  afterAll(() => app.stop());

  const comeAndGo = async (account: Account) => {
    (await app.device(account)).close();
    await partner.next('user:offline', ({ user_id }) => user_id === account.id);
  };
  const received = (device: Device) => device.all('user:online').concat(device.all('user:offline')).length;

  it('reaches chat partners and watchers, once each, and no stranger', async () => {
    const answer = await watcher.send('presence:watch', { user_ids: [anna.id] });
    expect(answer).toEqual({ status: 'ok', items: [{ user_id: anna.id, online: false, last_seen: null }] });
    await partner.send('presence:watch', { user_ids: [anna.id] });
    await comeAndGo(anna);
    for (const device of [watcher, stranger]) await device.settled();
    for (const device of [partner, watcher])
      for (const event of ['user:online', 'user:offline'] as const)
        expect(device.all(event).filter(({ user_id }) => user_id === anna.id)).toHaveLength(1);
    expect(received(stranger)).toBe(0);
  });

  it('reaches friends and both sides of a follow, until that ends', async () => {
    const [dasha, friend, follower, followee] = await app.people('Даша', 'Егор', 'Женя', 'Зоя');
    const near = await app.devices(friend, follower, followee);
    const ask = (who: Account, method: string, path: string, body?: object) =>
      app.request<{ id: string }>(method, path, who.token, body);
    const { body } = await ask(friend, 'POST', 'friends/requests', { user_id: dasha.id });
    await ask(dasha, 'POST', `friends/requests/${body.id}/accept`);
    await ask(follower, 'PUT', `users/${dasha.id}/follow`);
    await ask(dasha, 'PUT', `users/${followee.id}/follow`);
    const strangers = received(stranger);
    const dashas = await app.device(dasha);
    for (const device of near) await device.next('user:online', ({ user_id }) => user_id === dasha.id);
    dashas.close();
    for (const device of near) await device.next('user:offline', ({ user_id }) => user_id === dasha.id);

    await ask(friend, 'DELETE', `friends/${dasha.id}`);
    await ask(follower, 'DELETE', `users/${dasha.id}/follow`);
    await ask(dasha, 'DELETE', `users/${followee.id}/follow`);
    const later = await app.device(dasha);
    later.close();
    for (const device of [...near, stranger]) await device.settled();
    for (const device of near)
      expect(device.all('user:online').filter(({ user_id }) => user_id === dasha.id)).toHaveLength(1);
    expect(received(stranger)).toBe(strangers);
  });

  it('reaches watchers from their latest presence:watch on', async () => {
    const [vasya] = await app.people('Вася');
    const before = watcher.all('user:online').length;
    await watcher.send('presence:watch', { user_ids: [vasya.id] });
    const [annaDevice, vasyaDevice] = await app.devices(anna, vasya);
    await watcher.next('user:online', ({ user_id }) => user_id === vasya.id);
    expect(watcher.all('user:online').length).toBe(before + 1);
    await watcher.send('presence:watch', { user_ids: [] });
    annaDevice.close();
    vasyaDevice.close();
    const gone = () => partner.all('user:offline').filter(({ user_id }) => user_id === anna.id).length;
    await partner.until(() => gone() === 2 || undefined);
    await watcher.settled();
    expect(watcher.all('user:offline').filter(({ user_id }) => user_id === vasya.id)).toEqual([]);
  });

  it('does not reach a partner who has not been shown the direct chat yet, nor does a new name', async () => {
    const [lisa, misha] = await app.people('Лиза', 'Миша');
    const direct = await app.chat(lisa, misha);
    const mishaDevice = await app.device(misha);
    await watcher.send('presence:watch', { user_ids: [lisa.id] });
    const phone = await app.device(lisa);
    await app.request('PATCH', 'users/me', lisa.token, { name: 'Лиза Новая' });
    expect((await phone.send('chat:typing', { chat_id: direct.id, is_typing: true })).status).toBe('ok');
    phone.close();
    await watcher.next('user:offline', ({ user_id }) => user_id === lisa.id);
    await mishaDevice.settled();
    expect(
      mishaDevice.received.filter(({ payload }) => (payload as PresenceItem).user_id === lisa.id),
    ).toEqual([]);
    // She has been shown the chat, so she receives his presence.
    const lisaDevice = await app.device(lisa);
    mishaDevice.close();
    await lisaDevice.next('user:offline', ({ user_id }) => user_id === misha.id);
    const again = await app.device(misha);
    await lisaDevice.next('user:online', ({ user_id }) => user_id === misha.id);
    await lisaDevice.send('chat:message:send', text(direct));
    await again.next('chat:message:new', ({ chat_id }) => chat_id === direct.id);
    await lisaDevice.send('chat:typing', { chat_id: direct.id, is_typing: true });
    await again.next('chat:typing');
    await app.request('PATCH', 'users/me', lisa.token, { name: 'Елизавета' });
    await again.next('user:updated');
    lisaDevice.close();
    await again.next('user:offline', ({ user_id }) => user_id === lisa.id);
    expect(again.all('chat:created')).toHaveLength(1);
    expect(again.all('chat:message:new')).toHaveLength(1);
  });

  it('reaches members of a chat that was made meanwhile', async () => {
    const [gleb] = await app.people('Новый');
    const device = await app.device(gleb);
    await app.group(gleb, { id: chat.participants.find(({ id }) => id !== anna.id)!.id });
    device.close();
    await partner.next('user:offline', ({ user_id }) => user_id === gleb.id);
  });
});

itAlone('a stop of the server stores the last-seen time of connected users', async () => {
  const database = await createTestDatabase();
  const app = await TestApp.start({ DATABASE_URL: database.url, PRESENCE_GRACE_MS: '60000' });
  const [here, leaving] = await app.people('Анна', 'Борис');
  const [, left] = await app.devices(here, leaving);
  left.close();
  const before = new Date();
  await app.stop();
  const afterwards = await DatabaseSession.at(database.url);
  const { rows } = await afterwards.query('SELECT FROM users WHERE last_seen_at >= $1', [before]);
  await afterwards.end();
  await database.drop();
  expect(rows).toHaveLength(2);
});
