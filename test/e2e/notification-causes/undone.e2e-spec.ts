import type { NotificationDto } from '#contracts';
import { Notify } from '#notifications';
import { DatabaseSession, until, type Account } from '#testing';
import { CommandBus } from '@nestjs/cqrs';
import { useNotifications } from './scene.js';

const scene = useNotifications();
const { ask, ban, bodies, code, handle, list, post, sync, received, unread } = scene;

const notify = async (post_id: string, who: Account) => {
  const data = { post_id, user_id: who.id };
  const cause = {
    type: 'post_liked',
    key: `post_liked:${post_id}:${who.id}`,
    actorId: who.id,
    data,
  } as const;
  await scene.app.app.get(CommandBus).execute(new Notify(cause, [scene.anna.id]));
};

describe('a notification', () => {
  it.each<[string, () => Promise<() => Promise<unknown>>]>([
    [
      'a like is taken back',
      async () => {
        const { id } = await post(scene.anna);
        await ask(scene.boris, `PUT posts/${id}/like`);
        return () => ask(scene.boris, `DELETE posts/${id}/like`);
      },
    ],
    [
      'a comment is deleted',
      async () => {
        const { id } = await post(scene.anna);
        const comment = await ask(scene.boris, `POST posts/${id}/comments`, { content: 'Класс' });
        return () => ask(scene.boris, `DELETE posts/${id}/comments/${comment.id}`);
      },
    ],
    [
      'a reply with a mention is deleted by the post’s author',
      async () => {
        const { id } = await post(scene.vera);
        const comment = await ask(scene.boris, `POST posts/${id}/comments`, { content: 'Класс' });
        const content = `@${await handle(scene.anna)}`;
        await ask(scene.boris, `POST posts/${id}/comments`, { content, parent_id: comment.id });
        return () => ask(scene.vera, `DELETE posts/${id}/comments/${comment.id}`);
      },
    ],
    [
      'a post with a mention is deleted',
      async () => {
        const { id } = await post(scene.boris, `Спасибо, @${await handle(scene.anna)}`);
        return () => ask(scene.boris, `DELETE posts/${id}`);
      },
    ],
    [
      'a comment with a mention is deleted with its post',
      async () => {
        const { id } = await post(scene.vera);
        await ask(scene.boris, `POST posts/${id}/comments`, { content: `@${await handle(scene.anna)}` });
        return () => ask(scene.vera, `DELETE posts/${id}`);
      },
    ],
    [
      'a repost is deleted',
      async () => {
        const { id } = await post(scene.anna);
        const repost = await ask(scene.boris, `POST posts/${id}/repost`, {});
        return () => ask(scene.boris, `DELETE posts/${repost.id}`);
      },
    ],
    [
      'one’s own post is deleted',
      async () => {
        const { id } = await post(scene.anna);
        await ask(scene.boris, `PUT posts/${id}/like`);
        return () => ask(scene.anna, `DELETE posts/${id}`);
      },
    ],
    [
      'a friend request is withdrawn',
      async () => {
        const { id } = await ask(scene.boris, 'POST friends/requests', { user_id: scene.anna.id });
        return () => ask(scene.boris, `DELETE friends/requests/${id}`);
      },
    ],
    [
      'a friend request is declined',
      async () => {
        const { id } = await ask(scene.boris, 'POST friends/requests', { user_id: scene.anna.id });
        return () => ask(scene.anna, `POST friends/requests/${id}/decline`);
      },
    ],
    [
      'a friendship is ended',
      async () => {
        const { id } = await ask(scene.anna, 'POST friends/requests', { user_id: scene.boris.id });
        await ask(scene.boris, `POST friends/requests/${id}/accept`);
        return () => ask(scene.boris, `DELETE friends/${scene.anna.id}`);
      },
    ],
    [
      'its actor is blocked',
      async () => {
        await post(scene.boris, `@${await handle(scene.anna)}`);
        return () => ask(scene.anna, `PUT users/${scene.boris.id}/block`);
      },
    ],
    [
      'its actor is banned',
      async () => {
        await ask(scene.boris, 'POST friends/requests', { user_id: scene.anna.id });
        return () => ban(scene.boris);
      },
    ],
    [
      'the author of its post is banned',
      async () => {
        const { id } = await post(scene.vera);
        await ask(scene.boris, `POST posts/${id}/comments`, { content: `@${await handle(scene.anna)}` });
        return () => ban(scene.vera);
      },
    ],
  ])('disappears when %s', async (_, happen) => {
    const undo = await happen();
    const [{ id }] = (await received(1)) as [NotificationDto];
    const { cursor } = await sync();
    await undo();
    expect([await list(), await unread()]).toEqual([[], 0]);
    expect(await scene.annaDevice.next('notification:removed')).toEqual({
      notification_id: id,
      unread_count: 0,
    });
    const { notifications } = await sync(cursor);
    expect(notifications).toEqual({ unread_count: 0, items: [], removed: [id] });
    expect(await code(scene.anna, `POST notifications/${id}/read`)).toBe('NOT_FOUND');
    expect((await scene.annaDevice.send('notification:read', { notification_id: id })).code).toBe(
      'NOT_FOUND',
    );
    await scene.annaDevice.settled();
    expect(scene.annaDevice.all('notification:updated')).toEqual([]);
  });

  it('of a group keeps its other actors, and gets a returning one back', async () => {
    const { id } = await post(scene.anna);
    await ask(scene.boris, `PUT posts/${id}/like`);
    await received(1);
    await ask(scene.vera, `PUT posts/${id}/like`);
    await received(1, 'notification:updated');
    expect(await bodies()).toEqual(['Вера и ещё 1 человек оценили ваш пост']);
    await ask(scene.vera, `DELETE posts/${id}/like`);
    const updated = await scene.annaDevice.next(
      'notification:updated',
      ({ body }) => body === 'Борис оценил(а) ваш пост',
    );
    expect(updated.data).toEqual({ post_id: id, user_id: scene.boris.id });
    expect([await list(), await unread()]).toEqual([[updated], 1]);
    await ask(scene.vera, `PUT posts/${id}/like`);
    await scene.annaDevice.next('notification:updated', ({ body }) => body.startsWith('Вера и ещё 1'));
    await scene.annaDevice.settled();
    expect([
      scene.annaDevice.all('notification:new').length,
      scene.annaDevice.all('notification:removed'),
    ]).toEqual([1, []]);
  });

  it('of an empty group is not reused: the next actor starts a new one', async () => {
    const { id } = await post(scene.anna);
    await ask(scene.boris, `PUT posts/${id}/like`);
    await received(1);
    await ask(scene.boris, `DELETE posts/${id}/like`);
    await scene.annaDevice.next('notification:removed');
    await ask(scene.vera, `PUT posts/${id}/like`);
    const [, again] = await received(2);
    expect(await list()).toEqual([again]);
  });

  it.each(['a block', 'a ban'])('returns, unread as before, when %s is lifted', async (what) => {
    const cut = (on: boolean) =>
      what === 'a ban'
        ? ban(scene.boris, on ? 'ban' : 'unban')
        : ask(scene.boris, `${on ? 'PUT' : 'DELETE'} users/${scene.anna.id}/block`);
    const { id } = await post(scene.anna);
    for (const who of [scene.boris, scene.vera])
      await ask(who, `POST posts/${id}/comments`, { content: 'Класс' });
    await until('both', async () => (await bodies())[0]?.includes('и ещё 1') === true);
    await ask(scene.boris, 'PUT posts/' + (await post(scene.anna)).id + '/like');
    await until('the like', async () => (await unread()) === 2);
    const before = (await bodies()).sort();
    await cut(true);
    expect([await bodies(), await unread()]).toEqual([['Вера прокомментировал(а) ваш пост'], 1]);
    await cut(false);
    expect([(await bodies()).sort(), await unread()]).toEqual([before, 2]);
  });

  it('is not marked as read with all others while it is hidden', async () => {
    await ask(scene.boris, `PUT posts/${(await post(scene.anna)).id}/like`);
    await received(1);
    await ask(scene.anna, `PUT users/${scene.boris.id}/block`);
    await ask(scene.anna, 'POST notifications/read-all');
    await scene.annaDevice.settled();
    expect(scene.annaDevice.all('notification:read')).toEqual([]);
    await ask(scene.anna, `DELETE users/${scene.boris.id}/block`);
    expect([await bodies(), await unread()]).toEqual([['Борис оценил(а) ваш пост'], 1]);
  });

  it('returns at once if it concerns a visit, also in quiet hours', async () => {
    const hour = (ahead: number) => new Date(Date.now() + ahead * 3600_000).toISOString();
    const data = {
      service_id: scene.boris.id,
      service_name: 'Маникюр',
      master_id: scene.boris.id,
      starts_at: hour(24),
      timezone: 'UTC',
    };
    const cause = {
      type: 'auto_booking_proposal',
      key: `auto_booking_proposal:${scene.boris.id}`,
      actorId: scene.boris.id,
      data,
    } as const;
    await scene.app.app.get(CommandBus).execute(new Notify(cause, [scene.anna.id]));
    await received(1);
    await ask(scene.anna, `PUT users/${scene.boris.id}/block`);
    const [from, to] = [hour(-2).slice(11, 16), hour(2).slice(11, 16)];
    await ask(scene.anna, 'PUT notifications/preferences', { quiet_hours: { from, to, timezone: 'UTC' } });
    await ask(scene.anna, `DELETE users/${scene.boris.id}/block`);
    expect(await received(1, 'notification:updated')).toEqual(await list());
  });
});

describe('at the same moment', () => {
  it('a cause that is undone before it is notified is not notified', async () => {
    const { id } = await post(scene.anna);
    await notify(id, scene.boris);
    expect(await list()).toEqual([]);
    await ask(scene.boris, `PUT posts/${id}/like`);
    expect((await received(1))[0]!.body).toBe('Борис оценил(а) ваш пост');
  });

  it('a cause that is undone during its notification is detected', async () => {
    const { id } = await post(scene.anna);
    await scene.app.rows('INSERT INTO post_likes (post_id, user_id) VALUES ($1, $2)', [id, scene.boris.id]);
    await scene.app.rows('UPDATE posts SET likes_count = 1 WHERE id = $1', [id]);
    const databaseSession = await DatabaseSession.at(scene.app.databaseUrl);
    await databaseSession.query('BEGIN');
    // The notifier has read the like and waits at the notification.
    await databaseSession.query('LOCK TABLE notifications IN SHARE MODE');
    const notifying = notify(id, scene.boris);
    await databaseSession.somebodyWaits();
    const undone = ask(scene.boris, `DELETE posts/${id}/like`);
    await until('both wait', async () => (await databaseSession.waiters()) === 2);
    await databaseSession.query('COMMIT');
    await databaseSession.end();
    await Promise.all([notifying, undone]);
    expect([await list(), await unread()]).toEqual([[], 0]);
  });

  it('a block that arrives while it is being notified waits for it, and hides it', async () => {
    const { id } = await post(scene.anna);
    await scene.app.rows('INSERT INTO post_likes (post_id, user_id) VALUES ($1, $2)', [id, scene.boris.id]);
    const databaseSession = await DatabaseSession.at(scene.app.databaseUrl);
    await databaseSession.query('BEGIN');
    await databaseSession.query('LOCK TABLE notifications IN SHARE MODE');
    const notifying = notify(id, scene.boris);
    await databaseSession.somebodyWaits();
    const blocked = ask(scene.anna, `PUT users/${scene.boris.id}/block`);
    await until('both wait', async () => (await databaseSession.waiters()) === 2);
    await databaseSession.query('COMMIT');
    await databaseSession.end();
    await Promise.all([notifying, blocked]);
    expect(await list()).toEqual([]);
  });
});
