import {
  NotificationCount,
  NotificationPage,
  NotificationPreferencesDto,
  NotificationReadAck,
  SyncAnswer,
  type NotificationCause,
} from '#contracts';
import { enqueueNotification } from '#notifications';
import { PrismaService, addJob } from '#platform';
import { contractErrors, happen, TestApp, until, type Account, type Device } from '#testing';
import { randomUUID } from 'node:crypto';

let app: TestApp;
let anna: Account;
let boris: Account;
let annaDevice: Device;
let tablet: Device;
beforeAll(async () => (app = await TestApp.start()));
afterAll(() => app.stop());
beforeEach(async () => {
  [anna, boris] = await app.people('Анна', 'Борис');
  [annaDevice, tablet] = await app.devices(anna, anna);
});

const mention = (post_id = randomUUID()): NotificationCause => ({
  type: 'mention',
  key: `mention:${post_id}`,
  actorId: boris.id,
  data: { post_id, comment_id: null, user_id: boris.id },
});
const request = (done: string): NotificationCause => ({
  type: 'friend_request',
  key: `friend_request:${done}`,
  actorId: boris.id,
  data: { request_id: done, user_id: boris.id },
});
/** Stores the job in the transaction of its cause, as a feature does. */
const promise = async (cause: NotificationCause, ...recipients: Account[]) => {
  await happen(app, cause, recipients[0]?.id);
  await app.app.get(PrismaService).$transaction((tx) =>
    enqueueNotification(
      tx,
      recipients.map(({ id }) => id),
      cause,
    ),
  );
};
/** Waits until this many notifications were received in all. */
const received = async (count: number) => {
  for (let i = annaDevice.all('notification:new').length; i < count; i++) await promise(mention(), anna);
  await annaDevice.until(() => annaDevice.all('notification:new').length >= count || undefined);
  return annaDevice.all('notification:new');
};
const list = async (query = '', account = anna) => {
  const { body } = await app.request<NotificationPage>('GET', `notifications${query}`, account.token);
  expect(contractErrors(NotificationPage, body)).toEqual([]);
  return body;
};
const ids = ({ items }: { items: { id: string }[] }) => items.map(({ id }) => id);
const unread = async () => {
  const { body } = await app.request<NotificationCount>('GET', 'notifications/unread-count', anna.token);
  expect(contractErrors(NotificationCount, body)).toEqual([]);
  return body.unread_count;
};
const sync = async (cursor?: string) => {
  const { body } = await app.request<SyncAnswer>(
    'GET',
    cursor ? `sync?cursor=${cursor}` : 'sync',
    anna.token,
  );
  expect(contractErrors(SyncAnswer, body)).toEqual([]);
  return body;
};

describe('a notification stored in a transaction', () => {
  it('reaches every device of the recipient, in their language', async () => {
    await app.request('PATCH', 'users/me', anna.token, { locale: 'en' });
    await promise(mention(), anna);
    for (const device of [annaDevice, tablet])
      expect(await device.next('notification:new')).toMatchObject({
        title: 'You were mentioned',
        body: 'Борис mentioned you in a post',
      });
    await app.request('PATCH', 'users/me', anna.token, { locale: 'ru' });
    expect((await list()).items[0]!.title).toBe('Вас упомянули');
  });

  it('is not sent when the transaction rolls back', async () => {
    const rolledBack = app.app.get(PrismaService).$transaction(async (tx) => {
      await enqueueNotification(tx, [anna.id], mention());
      throw new Error('rolled back');
    });
    await expect(rolledBack).rejects.toThrow('rolled back');
    await received(1);
    expect((await list()).items).toHaveLength(1);
  });

  it('can go to everybody in several jobs, once to each user', async () => {
    await app.manyPeople(2300);
    const [{ count }] = (await app.rows('SELECT count(*)::int FROM users')) as [{ count: number }];
    const post = randomUUID();
    const cause = mention(post);
    await happen(app, cause);
    await app.app.get(PrismaService).$transaction((tx) => addJob(tx, 'notify-everyone', { cause }));
    const rows = () =>
      app.rows<{ user_id: string }>(
        'SELECT user_id FROM notification_causes WHERE key = $1 AND notification_id IS NOT NULL',
        [cause.key],
      );
    // Everybody but the actor.
    await until('all notified', async () => (await rows()).length >= count - 1);
    expect(await rows()).toHaveLength(count - 1);
    const [{ stored }] = (await app.rows(
      `SELECT count(*)::int AS stored FROM notifications WHERE data->>'post_id' = $1`,
      [post],
    )) as [{ stored: number }];
    expect(stored).toBe(count - 1);
    await annaDevice.next('notification:new');
  });
});

describe('the list', () => {
  it('is paged, newest first, and filtered by type and read state', async () => {
    await received(5);
    await promise(request(randomUUID()), anna);
    const asked = await annaDevice.next('notification:new', ({ type }) => type === 'friend_request');
    await app.request('POST', `notifications/${asked.id}/read`, anna.token);
    const all = await list();
    expect(all.items).toHaveLength(6);
    const times = all.items.map(({ updated_at }) => updated_at);
    expect([...times].sort().reverse()).toEqual(times);
    const seen: string[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const page = await list(`?limit=4${cursor && `&cursor=${cursor}`}`);
      seen.push(...ids(page));
      cursor = page.next_cursor;
    }
    expect(seen).toEqual(ids(all));
    expect(ids(await list('?is_read=true'))).toEqual([asked.id]);
    expect((await list('?is_read=false')).items).toHaveLength(5);
    expect(ids(await list('?type=friend_request'))).toEqual([asked.id]);
    expect((await list('?type=friend_request&is_read=false')).items).toEqual([]);
    expect(await unread()).toBe(5);
  });

  it.each([
    ['is_read=1', 'is_read'],
    ['is_read=', 'is_read'],
    ['type=nonsense', 'type'],
    ['limit=201', 'limit'],
    ['cursor=x', 'cursor'],
    [`cursor=${Buffer.from('[1,"x"]').toString('base64url')}`, 'cursor'],
  ])('refuses %s', async (query, field) => {
    const { status, body } = await app.request('GET', `notifications?${query}`, anna.token);
    expect([status, body.code, body.details?.[0]?.field]).toEqual([400, 'INVALID_DATA', field]);
  });
});

describe('reading', () => {
  it('over a socket is acknowledged as specified and published to the other devices only', async () => {
    const { id } = (await received(1))[0]!;
    const ack = await annaDevice.send('notification:read', { notification_id: id });
    expect(ack).toEqual({ notification_id: id, is_read: true, read_at: expect.any(String) as string });
    expect(await tablet.next('notification:read')).toEqual(ack);
    expect(await annaDevice.send('notification:read', { notification_id: id })).toEqual(ack);
    const again = await app.request<NotificationReadAck>('POST', `notifications/${id}/read`, anna.token);
    expect([again.status, again.body]).toEqual([200, ack]);
    await Promise.all([annaDevice.settled(), tablet.settled()]);
    expect(tablet.all('notification:read')).toHaveLength(1);
    expect(annaDevice.all('notification:read')).toEqual([]);
    expect((await list()).items[0]).toMatchObject({ is_read: true, read_at: ack.read_at });
  });

  it('over REST is published to all devices, also for all at once, at most 200 of them', async () => {
    const [first] = await received(2);
    const { body } = await app.request<NotificationReadAck>(
      'POST',
      `notifications/${first!.id}/read`,
      anna.token,
    );
    expect(await annaDevice.next('notification:read')).toEqual(body);
    await app.rows(
      `INSERT INTO notifications (id, user_id, type, data)
       SELECT gen_random_uuid(), $1, 'mention', '{}' FROM generate_series(1, 250)`,
      [anna.id],
    );
    expect(await unread()).toBe(251);
    const all = await app.request<NotificationCount>('POST', 'notifications/read-all', anna.token);
    expect([all.status, all.body]).toEqual([200, { unread_count: 0 }]);
    await annaDevice.until(() => annaDevice.all('notification:read').length === 201 || undefined);
    await annaDevice.settled();
    expect(annaDevice.all('notification:read')).toHaveLength(201);
    expect(await unread()).toBe(0);
  });

  it('is NOT_FOUND for another user’s notification, and changes nothing', async () => {
    const { id } = (await received(1))[0]!;
    const [borisDevice] = await app.devices(boris);
    for (const notification_id of [id, randomUUID()]) {
      expect((await borisDevice.send('notification:read', { notification_id })).code).toBe('NOT_FOUND');
      const { status, body } = await app.request(
        'POST',
        `notifications/${notification_id}/read`,
        boris.token,
      );
      expect([status, body.code]).toEqual([404, 'NOT_FOUND']);
    }
    expect((await list('', boris)).items).toEqual([]);
    expect(await unread()).toBe(1);
    expect((await app.request('POST', 'notifications/x/read', boris.token)).status).toBe(400);
  });
});

describe('preferences', () => {
  const ask = (body?: object) =>
    app.request<NotificationPreferencesDto>(
      body ? 'PUT' : 'GET',
      'notifications/preferences',
      anna.token,
      body,
    );
  const night = { from: '22:00', to: '08:00', timezone: 'Europe/Moscow' };

  it('allow everything by default, and change only the named ones', async () => {
    const { body } = await ask();
    expect(contractErrors(NotificationPreferencesDto, body)).toEqual([]);
    expect([new Set(Object.values(body.types)), body.quiet_hours]).toEqual([new Set([true]), null]);
    await Promise.all([
      ask({ types: { mention: false } }),
      ask({ types: { post_liked: false } }),
      ask({ quiet_hours: night }),
    ]);
    await ask({ types: { mention: true } });
    const after = (await ask()).body;
    expect(after.quiet_hours).toEqual(night);
    expect(Object.entries(after.types).filter(([, on]) => !on)).toEqual([['post_liked', false]]);
    const precise = { ...night, from: '22:00:00', to: '08:00:00.000' };
    expect((await ask({ quiet_hours: precise })).body.quiet_hours).toEqual(night);
    expect((await ask({ quiet_hours: null })).body.quiet_hours).toBeNull();
    expect((await ask({})).body).toEqual({ types: after.types, quiet_hours: null });
  });

  it.each<[string, object]>([
    ['types.mention', { types: { mention: 'no' } }],
    ['types', { types: 'none' }],
    ['quiet_hours.from', { quiet_hours: { ...night, from: '24:00' } }],
    ['quiet_hours.from', { quiet_hours: { ...night, from: '22:00:01' } }],
    ['quiet_hours.to', { quiet_hours: { ...night, to: '8:00' } }],
    ['quiet_hours.to', { quiet_hours: { ...night, to: night.from } }],
    ['quiet_hours.timezone', { quiet_hours: { ...night, timezone: 'Europe/Nowhere' } }],
    ['quiet_hours.timezone', { quiet_hours: { ...night, timezone: '+03:00' } }],
    ['quiet_hours.timezone', { quiet_hours: { ...night, timezone: 'posixrules' } }],
    ['quiet_hours.timezone', { quiet_hours: { from: '22:00', to: '08:00' } }],
  ])('refuse an invalid %s: %j', async (field, wrong) => {
    const { status, body } = await ask(wrong);
    expect([status, body.code, body.details?.[0]?.field]).toEqual([400, 'INVALID_DATA', field]);
    expect((await ask()).body.quiet_hours).toBeNull();
  });
});

describe('sync', () => {
  it('returns new, updated and read notifications since the cursor, and the unread count', async () => {
    const [first] = await received(2);
    const start = await sync();
    expect(start.notifications.unread_count).toBe(2);
    expect(ids(start.notifications)).toEqual(ids(await list()));
    expect((await sync(start.cursor)).notifications).toEqual({ unread_count: 2, items: [] });
    await annaDevice.send('notification:read', { notification_id: first!.id });
    const after = await sync(start.cursor);
    expect([after.notifications.unread_count, ids(after.notifications)]).toEqual([1, [first!.id]]);
    expect(after.notifications.items[0]!.is_read).toBe(true);
    await received(3);
    const next = await sync(after.cursor);
    expect(next.notifications.items).toHaveLength(1);
    expect((await sync(next.cursor)).notifications.items).toEqual([]);
  });
});
