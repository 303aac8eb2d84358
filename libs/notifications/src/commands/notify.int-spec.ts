import {
  NotificationPage,
  NotificationPreferencesDto,
  type NotificationCause,
  type NotificationDto,
  type NotificationPreferencesBody,
} from '#contracts';
import { contractErrors, happen, TestApp, type Account, type Device } from '#testing';
import { Command, CommandBus } from '@nestjs/cqrs';
import { randomUUID } from 'node:crypto';
import { Notify } from './notify.command.js';
import { PurgeNotifications } from './purge-notifications.command.js';
import { ReleaseNotifications } from './release-notifications.command.js';

let app: TestApp;
let anna: Account;
let boris: Account;
let annaDevice: Device;
beforeAll(async () => (app = await TestApp.start()));
afterAll(() => app.stop());
beforeEach(async () => {
  [anna, boris] = await app.people('Анна', 'Борис');
  [annaDevice] = await app.devices(anna);
});

const execute = <T>(command: Command<T>): Promise<T> => app.app.get(CommandBus).execute(command);
const notify = async (cause: NotificationCause, recipients: string[] = [anna.id], again = false) => {
  await happen(app, cause);
  await execute(new Notify(cause, recipients, again));
};

const like = (actor: Account, post_id: string): NotificationCause => ({
  type: 'post_liked',
  key: `post_liked:${post_id}:${actor.id}`,
  actorId: actor.id,
  data: { post_id, user_id: actor.id },
});
const comment = (actor: Account, post_id: string): NotificationCause => ({
  type: 'post_commented',
  key: `post_commented:${randomUUID()}`,
  actorId: actor.id,
  data: { post_id, comment_id: randomUUID(), user_id: actor.id },
});
const mention = (actor: Account): NotificationCause => ({
  type: 'mention',
  key: `mention:${randomUUID()}`,
  actorId: actor.id,
  data: { post_id: randomUUID(), comment_id: null, user_id: actor.id },
});
const booking = (actor: Account): NotificationCause => ({
  type: 'booking_cancelled',
  key: `booking_cancelled:${randomUUID()}`,
  actorId: actor.id,
  data: {
    booking_id: randomUUID(),
    service_id: randomUUID(),
    service_name: 'Маникюр',
    master_id: actor.id,
    client_id: anna.id,
    starts_at: '2026-01-10T11:00:00.000Z',
    timezone: 'Europe/Moscow',
    outcome: 'cancelled',
    reason: null,
  },
});

const list = async (account: Account, query = ''): Promise<NotificationDto[]> => {
  const { body } = await app.request<NotificationPage>('GET', `notifications${query}`, account.token);
  expect(contractErrors(NotificationPage, body)).toEqual([]);
  return body.items;
};
const prefer = async (account: Account, body: NotificationPreferencesBody) => {
  const path = 'notifications/preferences';
  const reply = await app.request<NotificationPreferencesDto>('PUT', path, account.token, body);
  expect([reply.status, contractErrors(NotificationPreferencesDto, reply.body)]).toEqual([200, []]);
};
const bodies = (items: NotificationDto[]) => items.map(({ body }) => body);
const read = (account: Account, { id }: { id: string }) =>
  app.request('POST', `notifications/${id}/read`, account.token);

describe('a notification reaches', () => {
  it('the recipients, each once, but not its actor', async () => {
    const cause = mention(boris);
    await notify(cause, [anna.id, boris.id]);
    expect(await annaDevice.next('notification:new')).toMatchObject({
      type: 'mention',
      title: 'Вас упомянули',
      body: 'Борис упоминает вас в посте',
      data: cause.data,
      is_read: false,
      read_at: null,
    });
    expect(await list(anna)).toEqual(annaDevice.all('notification:new'));
    expect(await list(boris)).toEqual([]);
  });

  it.each(['he', 'she'])('nobody across a block that %s made', async (who) => {
    const [blocker, blocked] = who === 'he' ? [boris, anna] : [anna, boris];
    const block = [blocker.id, blocked.id];
    await app.rows('INSERT INTO blocks (blocker_id, blocked_id) VALUES ($1, $2)', block);
    await notify(mention(boris));
    expect(await list(anna)).toEqual([]);
  });

  it('nobody who is banned', async () => {
    await app.rows('UPDATE users SET banned_at = now() WHERE id = $1', [anna.id]);
    await notify(mention(boris));
    expect(await app.rows('SELECT 1 FROM notifications WHERE user_id = $1', [anna.id])).toEqual([]);
  });

  it('nobody who switched its type off, while other types arrive', async () => {
    await prefer(anna, { types: { mention: false, post_liked: false } });
    await prefer(anna, { types: { post_liked: true } });
    await notify(mention(boris));
    await notify(like(boris, randomUUID()));
    expect((await list(anna)).map(({ type }) => type)).toEqual(['post_liked']);
  });

  it('everybody else of a thousand, even if one of them fails', async () => {
    const manyPeople = await app.manyPeople(1000);
    await notify(mention(boris), [...manyPeople.slice(0, 998), randomUUID(), boris.id]);
    const [{ count }] = (await app.rows(
      'SELECT count(*)::int FROM notifications WHERE user_id = ANY ($1::uuid[])',
      [manyPeople],
    )) as [{ count: number }];
    expect(count).toBe(998);
  });
});

describe('one cause', () => {
  it('notifies once: a like that is undone and repeated, read in between, concurrent or not', async () => {
    const post = randomUUID();
    await Promise.all([notify(like(boris, post)), notify(like(boris, post)), notify(like(boris, post))]);
    const [first] = await list(anna);
    await read(anna, first!);
    await notify(like(boris, post));
    expect(await list(anna)).toHaveLength(1);
    await annaDevice.settled();
    expect(annaDevice.all('notification:new')).toHaveLength(1);
    expect(annaDevice.all('notification:updated')).toEqual([]);
  });

  it('is published again when its job runs again, as the same notification, but not once it is read', async () => {
    const cause = mention(boris);
    await notify(cause);
    await notify(cause, [anna.id], true);
    await annaDevice.until(() => annaDevice.all('notification:new').length === 2 || undefined);
    const [first, second] = annaDevice.all('notification:new');
    expect(second).toEqual(first);
    await read(anna, first!);
    await notify(cause, [anna.id], true);
    await annaDevice.settled();
    expect(annaDevice.all('notification:new')).toHaveLength(2);
    expect(await list(anna)).toHaveLength(1);
  });
});

describe('a group', () => {
  it('is one notification that is updated with the last actor and the number of others', async () => {
    const [vera, gleb] = await app.people('Вера', 'Глеб');
    const post = randomUUID();
    for (const actor of [boris, vera, gleb]) await notify(like(actor, post));
    await annaDevice.until(() => annaDevice.all('notification:updated').length === 2 || undefined);
    const [created] = annaDevice.all('notification:new');
    const updates = annaDevice.all('notification:updated');
    expect(bodies([created!, ...updates])).toEqual([
      'Борис оценил(а) ваш пост',
      'Вера и ещё 1 человек оценили ваш пост',
      'Глеб и ещё 2 человека оценили ваш пост',
    ]);
    expect(new Set([created, ...updates].map((each) => each!.id)).size).toBe(1);
    expect(await list(anna)).toEqual([updates[1]]);
    expect(updates[1]!.data).toEqual({ post_id: post, user_id: gleb.id });
  });

  it('counts people, not causes', async () => {
    const [vera] = await app.people('Вера');
    const post = randomUUID();
    for (const actor of [boris, boris, vera, boris]) await notify(comment(actor, post));
    expect(bodies(await list(anna))).toEqual(['Борис и ещё 1 человек прокомментировали ваш пост']);
  });

  it('counts concurrent actors exactly, twice each', async () => {
    const post = randomUUID();
    const people = (await app.manyPeople(12)).map((id) => ({ id }) as Account);
    await Promise.all([...people, ...people].map((actor) => notify(comment(actor, post))));
    const [only, ...others] = await list(anna);
    expect([others.length, only!.body.includes('и ещё 11 человек')]).toEqual([0, true]);
    await annaDevice.until(() => annaDevice.all('notification:updated').length === 23 || undefined);
    expect(annaDevice.all('notification:new')).toHaveLength(1);
  });

  it('ends when it is read, and belongs to one post and one type', async () => {
    const [vera] = await app.people('Вера');
    const post = randomUUID();
    await notify(like(boris, post));
    await read(anna, (await list(anna))[0]!);
    await notify(like(vera, post));
    await notify(like(vera, randomUUID()));
    await notify(comment(vera, post));
    expect(bodies(await list(anna)).sort()).toEqual([
      'Борис оценил(а) ваш пост',
      'Вера оценил(а) ваш пост',
      'Вера оценил(а) ваш пост',
      'Вера прокомментировал(а) ваш пост',
    ]);
  });

  it('of many recipients at once cannot deadlock', async () => {
    const recipients = await app.manyPeople(200);
    const post = randomUUID();
    const people = (await app.manyPeople(8)).map((id) => ({ id }) as Account);
    const turns = people.map((actor, i) =>
      notify(like(actor, post), i % 2 ? recipients : [...recipients].reverse()),
    );
    await Promise.all(turns);
    const counts = await app.rows<{ others_count: number }>(
      'SELECT DISTINCT others_count FROM notifications WHERE user_id = ANY ($1::uuid[])',
      [recipients],
    );
    expect(counts).toEqual([{ others_count: 7 }]);
  });
});

describe('quiet hours', () => {
  const clock = (hoursFromNow: number) =>
    new Date(Date.now() + hoursFromNow * 3600_000).toISOString().slice(11, 16);
  const night = { from: clock(-2), to: clock(2), timezone: 'UTC' };
  const dawn = () =>
    app.rows(
      `UPDATE notifications SET held_until = now() - interval '1 s'
       WHERE user_id = $1 AND held_until IS NOT NULL`,
      [anna.id],
    );
  const events = () => annaDevice.received.filter(({ event }) => event.startsWith('notification:'));

  it('keep a notification in the list and delay its event until they end', async () => {
    await prefer(anna, { quiet_hours: night });
    await notify(mention(boris));
    const [held] = await list(anna);
    expect(held!.is_read).toBe(false);
    const [{ hours }] = (await app.rows(
      `SELECT EXTRACT(EPOCH FROM held_until - now()) / 3600 AS hours FROM notifications WHERE user_id = $1`,
      [anna.id],
    )) as [{ hours: string }];
    expect(Number(hours)).toBeGreaterThan(1.95);
    expect(Number(hours)).toBeLessThanOrEqual(2);
    await execute(new ReleaseNotifications());
    await annaDevice.settled();
    expect(events()).toEqual([]);
    await dawn();
    await execute(new ReleaseNotifications());
    expect(await annaDevice.next('notification:new')).toEqual(held);
    await execute(new ReleaseNotifications());
    await annaDevice.settled();
    expect(events()).toHaveLength(1);
  });

  it('do not delay bookings, nor anything outside of them or in another zone', async () => {
    await prefer(anna, { quiet_hours: night });
    await notify(booking(boris));
    expect((await annaDevice.next('notification:new')).body).toBe(
      'Борис отменяет запись на 10 января в 14:00',
    );
    await prefer(anna, { quiet_hours: { ...night, timezone: 'Pacific/Auckland' } });
    await notify(mention(boris));
    await prefer(anna, { quiet_hours: { from: clock(1), to: clock(-1), timezone: 'UTC' } });
    await notify(mention(boris));
    await annaDevice.settled();
    expect(annaDevice.all('notification:new')).toHaveLength(3);
  });

  it('publish nothing that was read meanwhile', async () => {
    await prefer(anna, { quiet_hours: night });
    await notify(mention(boris));
    await read(anna, (await list(anna))[0]!);
    await dawn();
    await execute(new ReleaseNotifications());
    await annaDevice.settled();
    expect(annaDevice.all('notification:new')).toEqual([]);
  });

  it('publish nothing across a new block, nor of a type that was switched off', async () => {
    const [vera] = await app.people('Вера');
    await prefer(anna, { quiet_hours: night });
    await notify(mention(boris));
    await notify(like(vera, randomUUID()));
    await app.request('PUT', `users/${boris.id}/block`, anna.token);
    await prefer(anna, { types: { post_liked: false } });
    await dawn();
    await execute(new ReleaseNotifications());
    await annaDevice.settled();
    expect(events()).toEqual([]);
    await app.request('DELETE', `users/${boris.id}/block`, anna.token);
    await prefer(anna, { types: { post_liked: true } });
  });

  it('publish a group once: as new if none of it was published before, else as updated', async () => {
    const [vera, gleb] = await app.people('Вера', 'Глеб');
    const [received, unheard] = [randomUUID(), randomUUID()];
    await notify(like(boris, received));
    await annaDevice.next('notification:new');
    await prefer(anna, { quiet_hours: night });
    for (const post of [received, unheard]) for (const actor of [vera, gleb]) await notify(like(actor, post));
    await annaDevice.settled();
    expect(events()).toHaveLength(1);
    await dawn();
    await execute(new ReleaseNotifications());
    await annaDevice.next('notification:updated', ({ body }) => body.startsWith('Глеб и ещё 2 человека'));
    await annaDevice.next('notification:new', ({ body }) => body.startsWith('Глеб и ещё 1 человек'));
    expect(events()).toHaveLength(3);
  });

  it('do not delay a notification that was hidden in them and returns after them', async () => {
    await prefer(anna, { quiet_hours: night });
    await notify(mention(boris));
    await app.request('PUT', `users/${boris.id}/block`, anna.token);
    await prefer(anna, { quiet_hours: null });
    await app.request('DELETE', `users/${boris.id}/block`, anna.token);
    await annaDevice.next('notification:new');
  });

  it('end at once when the user ends them', async () => {
    await prefer(anna, { quiet_hours: night });
    await notify(mention(boris));
    await prefer(anna, { quiet_hours: null });
    await execute(new ReleaseNotifications());
    await annaDevice.next('notification:new');
  });
});

it('read notifications are kept for 90 days and unread ones for ever, and neither is published again', async () => {
  const causes = [mention(boris), mention(boris), mention(boris)];
  for (const cause of causes) await notify(cause);
  const [unread, recent, old] = (await list(anna)).map(({ id }) => id);
  for (const [id, days] of [
    [recent, 89],
    [old, 91],
  ] as const)
    await app.rows(`UPDATE notifications SET read_at = now() - $2 * interval '1 day' WHERE id = $1`, [
      id,
      days,
    ]);
  await app.rows(`UPDATE notifications SET created_at = now() - interval '1 year' WHERE id = $1`, [unread]);
  await execute(new PurgeNotifications());
  for (const cause of causes) await notify(cause);
  expect((await list(anna)).map(({ id }) => id)).toEqual([unread, recent]);
});
