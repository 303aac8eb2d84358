import { WORK } from '#platform';
import { EventPublisher } from '#realtime';
import { TestApp, until, type Account, type Device } from '#testing';

const COUNT = 40;

let app: TestApp;
let anna: Account;
let boris: Account;
let device: Device;
beforeAll(async () => {
  app = await TestApp.start({ REACH_RATE: '10000', REST_WRITE_RATE: '10000' });
  [anna, boris] = await app.people('Анна', 'Борис');
  [device] = await app.devices(anna);
});
afterAll(() => app.stop());
afterEach(() => jest.restoreAllMocks());

/** Each is about another post of hers. */
async function notify(): Promise<void> {
  const posts = await app.rows<{ id: string }>(
    `INSERT INTO posts (id, author_id, content) SELECT uuidv7(), $1, 'x' FROM generate_series(1, ${COUNT}) RETURNING id`,
    [anna.id],
  );
  const before = device.all('notification:new').length;
  for (const { id } of posts) await app.request('PUT', `posts/${id}/like`, boris.token);
  await until('notified', () => device.all('notification:new').length === before + COUNT);
}

it.each([
  [
    'reads all notifications',
    'notification:read',
    () => app.request('POST', 'notifications/read-all', anna.token),
  ],
  [
    'blocks the cause of them',
    'notification:removed',
    () => app.request('PUT', `users/${boris.id}/block`, anna.token),
  ],
] as const)('when a user %s, devices get the events in small parts', async (_, event, act) => {
  await notify();
  const parts = jest.spyOn(app.app.get(EventPublisher), 'publishEach');
  expect((await act()).status).toBeLessThan(300);
  await until('all arrive', () => device.all(event).length >= COUNT);
  const sizes = parts.mock.calls.map(([, , payloads]) => payloads.length);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(WORK.queuedEvents.most.together);
});
