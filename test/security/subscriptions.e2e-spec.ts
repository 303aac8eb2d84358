import { PrismaService } from '#platform';
import { EventPublisher, followersTopic } from '#realtime';
import { Device, TestApp, until, type Account } from '#testing';
import { internalErrors, refused } from './counted.js';

const range = (length: number) => Array.from({ length }, (_, i) => i);

let app: TestApp;
let followed: string[];
/** Another user, who must go on working. */
let observer: Device;
beforeAll(async () => {
  app = await TestApp.start();
  followed = await app.manyPeople(5000);
  observer = await app.device(await app.register('Вера'));
});
afterAll(() => app.stop());
afterEach(async () => {
  await observer.settled();
  expect(await internalErrors(app.url)).toBe(0);
});

const follow = ({ id }: Account, followees: string[]) =>
  app.rows('INSERT INTO follows (follower_id, followee_id) SELECT $1, unnest($2::uuid[])', [id, followees]);

it('a user who follows thousands may have few sockets, and the rest get an error', async () => {
  const anna = await app.register('Анна');
  await follow(anna, followed);
  for (const _ of range(10)) await app.device(anna);
  const before = await refused(app.url, 'sockets');
  const beyond = app.keep(Device.open(app.url, anna.token));
  await beyond.disconnected();
  expect(beyond.all('error')).toMatchObject([{ code: 'RATE_LIMIT', retry_after_ms: 5000 }]);
  expect(await refused(app.url, 'sockets')).toBe(before + 1);
});

it('sockets from before the follows are closed, and only a few return', async () => {
  const boris = await app.register('Борис');
  const devices = await Promise.all(range(40).map(() => app.device(boris)));
  await follow(boris, followed);
  app.app.get(EventPublisher).subscriptionsChanged(followersTopic(followed[0]!), [boris.id]);
  await Promise.all(devices.map((device) => device.disconnected()));
  for (const device of devices) expect(device.all('error')[0]?.code).toBe('RATE_LIMIT');
  await until('left', async () => {
    const device = app.keep(Device.open(app.url, boris.token));
    await Promise.race([device.next('sync:required'), device.disconnected()]);
    return device.socket.connected;
  });
});

it('a change that fails before it is decided makes no device of the named users load its subscriptions', async () => {
  const [anna, gleb] = await app.people('Анна', 'Глеб');
  const named = await app.register('Вера');
  const group = await app.group(anna, gleb);
  const changed = jest.spyOn(app.app.get(EventPublisher), 'subscriptionsChanged');
  const unavailable = new Error('Connection terminated unexpectedly');
  const transaction = jest.spyOn(app.app.get(PrismaService), '$transaction').mockRejectedValue(unavailable);
  for (const [method, path, body] of [
    ['POST', `chats/${group.id}/members`, { user_ids: [named.id] }],
    ['DELETE', `chats/${group.id}/members/${gleb.id}`],
    ['POST', 'chats', { type: 'group', title: 'x', participant_ids: [named.id] }],
    ['POST', 'chats', { type: 'direct', participant_ids: [named.id] }],
    ['PUT', `users/${named.id}/follow`],
    ['PUT', `users/${named.id}/block`],
    ['DELETE', `friends/${named.id}`],
  ] as const) {
    const { status } = await app.request(method, path, anna.token, body);
    expect([method, path, status]).toEqual([method, path, 503]);
  }
  expect(changed).not.toHaveBeenCalled();
  transaction.mockRestore();
  changed.mockRestore();
});
