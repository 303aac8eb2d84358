import { HideNotifications, Notify, NotifyEveryone, ReleaseNotifications } from '#notifications';
import { EventPublisher } from '#realtime';
import { RequestFriendship } from '#social';
import { until, type Account } from '#testing';
import { CommandBus } from '@nestjs/cqrs';
import { useNotifications } from './scene.js';

const scene = useNotifications();
const { ask, handle, list, post, sync, received, unread } = scene;

describe('a comment that mentions the post’s author', () => {
  const prefer = (types: object) => ask(scene.anna, 'PUT notifications/preferences', { types });

  it.each([
    [{}, 'post_commented'],
    [{ post_commented: false }, 'mention'],
    [{ mention: false }, 'post_commented'],
  ])('notifies once, by the preferred type: %j', async (types, expected) => {
    await prefer(types);
    const { id } = await post(scene.anna);
    const comment = await ask(scene.boris, `POST posts/${id}/comments`, {
      content: `@${await handle(scene.anna)}`,
    });
    await received(1);
    expect((await list()).map(({ type, data }) => [type, data])).toEqual([
      [expected, { post_id: id, comment_id: comment.id, user_id: scene.boris.id }],
    ]);
    await ask(scene.boris, `DELETE posts/${id}/comments/${comment.id}`);
    expect(await list()).toEqual([]);
  });

  it('does not notify an author who wants neither; a repost works like a comment', async () => {
    await prefer({ post_reposted: false });
    const { id } = await post(scene.anna);
    const content = `@${await handle(scene.anna)}`;
    const repost = await ask(scene.boris, `POST posts/${id}/repost`, { content });
    expect((await received(1))[0]).toMatchObject({ type: 'mention', data: { post_id: repost.id } });
    await ask(scene.boris, `DELETE posts/${repost.id}`);
    await prefer({ post_commented: false, mention: false });
    await ask(scene.boris, `POST posts/${id}/comments`, { content });
    await until('no job', async () => (await scene.app.rows('SELECT FROM outbox_jobs')).length === 0);
    expect(await list()).toEqual([]);
  });
});

describe('an announcement', () => {
  it('has its own text, arrives without the mention preference, and disappears with its post', async () => {
    await ask(scene.anna, 'PUT notifications/preferences', { types: { mention: false } });
    const { id } = await ask(scene.admin, 'POST admin/announcements', { content: 'Всем!' });
    const received = await scene.annaDevice.next('notification:new');
    expect(received).toMatchObject({
      type: 'mention',
      title: 'Объявление',
      data: { post_id: id, comment_id: null, user_id: scene.admin.id, announcement: true },
    });
    expect(received.body).not.toContain('упоминает');
    await ask(scene.admin, `DELETE posts/${id}`);
    expect([await list(), await unread()]).toEqual([[], 0]);
    await scene.annaDevice.next(
      'notification:removed',
      ({ notification_id }) => notification_id === received.id,
    );
  });

  it('arrives after quiet hours, also without the mention preference', async () => {
    const hour = (ahead: number) => new Date(Date.now() + ahead * 3600_000).toISOString().slice(11, 16);
    const night = { from: hour(-2), to: hour(2), timezone: 'UTC' };
    const prefer = (body: object) => ask(scene.anna, 'PUT notifications/preferences', body);
    await prefer({ types: { mention: false }, quiet_hours: night });
    await ask(scene.admin, 'POST admin/announcements', { content: 'Всем!' });
    await until('listed', async () => (await list()).length === 1);
    await scene.annaDevice.settled();
    expect(scene.annaDevice.all('notification:new')).toEqual([]);
    await prefer({ quiet_hours: null });
    await scene.app.app.get(CommandBus).execute(new ReleaseNotifications());
    expect(await received(1)).toEqual(await list());
  });

  it('stops when its post is deleted, and is removed from everybody who has it', async () => {
    const { id } = await post(scene.admin);
    const manyPeople = await scene.app.manyPeople(1100);
    await scene.app.rows(
      `INSERT INTO notifications (id, user_id, type, data)
       SELECT gen_random_uuid(), id, 'mention', jsonb_build_object('post_id', $2::text) FROM unnest($1::uuid[]) AS id`,
      [manyPeople, id],
    );
    await ask(scene.admin, `DELETE posts/${id}`);
    await scene.app.app.get(CommandBus).execute(new HideNotifications(id));
    expect(
      await scene.app.rows('SELECT FROM notifications WHERE user_id = ANY($1) AND NOT hidden', [manyPeople]),
    ).toEqual([]);
    const data = { post_id: id, comment_id: null, user_id: scene.admin.id, announcement: true } as const;
    const cause = { type: 'mention', key: `mention:${id}`, actorId: scene.admin.id, data } as const;
    await scene.app.app.get(CommandBus).execute(new NotifyEveryone(cause));
    expect(await scene.app.rows(`SELECT FROM outbox_jobs WHERE name = 'notify'`)).toEqual([]);
  });
});

it('a failed publish does not fail the undo', async () => {
  const { id } = await post(scene.anna);
  await ask(scene.boris, `PUT posts/${id}/like`);
  await received(1);
  const broken = jest.spyOn(scene.app.app.get(EventPublisher), 'publishEach').mockImplementation(() => {
    throw new Error('broken');
  });
  await ask(scene.boris, `DELETE posts/${id}/like`);
  expect(broken).toHaveBeenCalled();
  broken.mockRestore();
  expect(await list()).toEqual([]);
});

it('a revision that changes nothing is not published', async () => {
  const { id } = await post(scene.anna);
  const first = await ask(scene.boris, `POST posts/${id}/comments`, { content: '1' });
  await received(1);
  await ask(scene.boris, `POST posts/${id}/comments`, { content: '2' });
  await received(1, 'notification:updated');
  const { cursor } = await sync();
  await ask(scene.boris, `DELETE posts/${id}/comments/${first.id}`);
  await scene.annaDevice.settled();
  expect(scene.annaDevice.all('notification:updated')).toHaveLength(1);
  expect((await sync(cursor)).notifications.items).toEqual([]);
});

it('a late job of a deleted repost keeps the notification of the next repost', async () => {
  const { id } = await post(scene.anna);
  const repost = async () => ask(scene.boris, `POST posts/${id}/repost`, {});
  const first = await repost();
  await received(1);
  await ask(scene.boris, `DELETE posts/${first.id}`);
  const second = await repost();
  await until('notified of the second', async () => (await list()).length === 1);
  const data = { post_id: id, user_id: scene.boris.id, repost_id: first.id };
  const key = `post_reposted:${id}:${scene.boris.id}`;
  const [cause] = await scene.app.rows<{ n: number }>(
    'SELECT count(*)::int AS n FROM notification_causes WHERE key = $1',
    [key],
  );
  expect(cause).toEqual({ n: 1 });
  await scene.app.app
    .get(CommandBus)
    .execute(new Notify({ type: 'post_reposted', key, actorId: scene.boris.id, data }, [scene.anna.id]));
  expect(await list()).toMatchObject([{ type: 'post_reposted', data: { repost_id: second.id } }]);
});

it('a block hides and restores any number of notifications', async () => {
  const { id } = await post(scene.boris);
  await scene.app.rows(
    `WITH n AS (INSERT INTO notifications (id, user_id, type, actor_id, data)
       SELECT gen_random_uuid(), $1, 'mention', $2, jsonb_build_object('post_id', $3::text) FROM generate_series(1, 1600)
       RETURNING id, data)
     INSERT INTO notification_causes (key, user_id, actor_id, notification_id, data) SELECT id, $1, $2, id, data FROM n`,
    [scene.anna.id, scene.boris.id, id],
  );
  await ask(scene.anna, `PUT users/${scene.boris.id}/block`);
  await until('all are hidden', async () => (await unread()) === 0);
  await ask(scene.anna, `DELETE users/${scene.boris.id}/block`);
  await until('all are back', async () => (await unread()) === 1600);
});

it.each([[[true, false, true]], [[false, true, false]]])(
  'a repost after a deleted one opens the new one, also with another notification type: %j',
  async (turns) => {
    const { id } = await post(scene.anna);
    const content = `@${await handle(scene.anna)}`;
    for (const [i, post_reposted] of turns.entries()) {
      await ask(scene.anna, 'PUT notifications/preferences', { types: { post_reposted } });
      const repost = await ask(scene.boris, `POST posts/${id}/repost`, { content });
      const data = post_reposted ? { post_id: id, repost_id: repost.id } : { post_id: repost.id };
      await until('notified', async () => (await list()).length === 1);
      expect([i, await list()]).toMatchObject([i, [{ data, is_read: false }]]);
      await ask(scene.boris, `DELETE posts/${repost.id}`);
      expect(await list()).toEqual([]);
    }
  },
);

it('a friendship that ends and begins again is notified once', async () => {
  for (let i = 0; i < 2; i++) {
    const { id } = await ask(scene.anna, 'POST friends/requests', { user_id: scene.boris.id });
    await ask(scene.boris, `POST friends/requests/${id}/accept`);
    await until('notified', async () => (await list()).length > 0);
    expect(await list()).toMatchObject([{ type: 'friend_accepted', data: { request_id: id } }]);
    await ask(scene.anna, `DELETE friends/${scene.boris.id}`);
    expect(await list()).toEqual([]);
  }
});

it('a request after a block by the recipient is notified again; after one by the sender it is not', async () => {
  const request = () => ask(scene.boris, 'POST friends/requests', { user_id: scene.anna.id });
  const one = async () => {
    await until('notified', async () => (await list()).length === 1);
    return (await list())[0]!;
  };
  const cut = async (who: Account, other: Account) => {
    await ask(who, `PUT users/${other.id}/block`);
    await ask(who, `DELETE users/${other.id}/block`);
    expect(await list()).toEqual([]);
  };
  await request();
  const first = await one();
  await ask(scene.anna, `POST notifications/${first.id}/read`);
  await cut(scene.anna, scene.boris);
  const { id } = await request();
  const second = await one();
  expect(second).toMatchObject({ is_read: false, data: { request_id: id } });
  expect(second.id).not.toBe(first.id);
  await cut(scene.boris, scene.anna);
  await request();
  expect((await one()).id).toBe(second.id);
  expect(scene.annaDevice.all('notification:new')).toHaveLength(2);
});

it('a request that is withdrawn and made again is notified once, however often', async () => {
  for (let i = 0; i < 2; i++) {
    const { id } = await ask(scene.boris, 'POST friends/requests', { user_id: scene.anna.id });
    await until('notified', async () => (await list()).length === 1);
    expect((await list())[0]!.data).toEqual({ request_id: id, user_id: scene.boris.id });
    await ask(scene.boris, `DELETE friends/requests/${id}`);
    expect(await list()).toEqual([]);
  }
  expect(scene.annaDevice.all('notification:new')).toHaveLength(1);
  expect(
    await scene.app.rows('SELECT FROM friend_requests WHERE from_id = $1', [scene.boris.id]),
  ).toHaveLength(1);
  const tomorrow = new Date(Date.now() + 25 * 3600_000);
  const { id } = await scene.app.app
    .get(CommandBus)
    .execute(new RequestFriendship(scene.boris.id, scene.anna.id, tomorrow));
  await received(2);
  await ask(scene.anna, `POST friends/requests/${id}/decline`);
  const later = new Date(Date.now() + 31 * 24 * 3600_000);
  await scene.app.app.get(CommandBus).execute(new RequestFriendship(scene.boris.id, scene.anna.id, later));
  await received(3);
});
