import type { NotificationCause } from '#contracts';
import { happen, TestApp } from '#testing';
import { CommandBus } from '@nestjs/cqrs';
import { randomUUID } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import { Notify } from './commands/notify.command.js';

it('the migration matches earlier notifications to their valid causes', async () => {
  const app = await TestApp.start();
  const [anna, boris, vera, gleb, dima] = (await app.manyPeople(5)) as [
    string,
    string,
    string,
    string,
    string,
  ];
  const post = randomUUID();
  const send = async (cause: NotificationCause) => {
    await happen(app, cause, anna);
    await app.app.get(CommandBus).execute(new Notify(cause, [anna]));
  };
  const like = (actorId: string): NotificationCause => ({
    type: 'post_liked',
    key: `post_liked:${post}:${actorId}`,
    actorId,
    data: { post_id: post, user_id: actorId },
  });
  const comment = (actorId: string, comment_id = randomUUID()): NotificationCause => ({
    type: 'post_commented',
    key: `post_commented:${comment_id}`,
    actorId,
    data: { post_id: post, comment_id, user_id: actorId },
  });
  const repost_id = randomUUID();
  const repost: NotificationCause = {
    type: 'post_reposted',
    key: `post_reposted:${post}:${dima}`,
    actorId: dima,
    data: { post_id: post, repost_id, user_id: dima },
  };
  const asked: NotificationCause = {
    type: 'friend_request',
    key: `friend_request:${boris}:${anna}:0`,
    actorId: boris,
    data: { request_id: randomUUID(), user_id: boris },
  };
  for (const actor of [dima, boris, gleb, vera]) await send(like(actor));
  await send(comment(boris));
  await send(repost);
  await send(asked);
  // As an earlier version stored it, without checking it again.
  await app.rows('UPDATE posts SET likes_count = 4, comments_count = 1, reposts_count = 1 WHERE id = $1', [
    post,
  ]);
  await app.rows('UPDATE notification_causes SET data = NULL');
  await app.rows('DELETE FROM post_likes WHERE user_id = $1', [vera]);
  await app.rows('UPDATE posts SET likes_count = 3 WHERE id = $1', [post]);
  await app.rows('DELETE FROM comments');
  await app.rows('UPDATE posts SET comments_count = 0 WHERE id = $1', [post]);
  await app.rows('DELETE FROM friend_requests');
  await app.rows('UPDATE users SET banned_at = now() WHERE id = $1', [gleb]);
  await app.rows('INSERT INTO blocks (blocker_id, blocked_id) VALUES ($1, $2)', [dima, anna]);

  const folder = (await readdir('prisma/migrations')).find((name) =>
    name.endsWith('notifications_follow_causes'),
  )!;
  const sql = await readFile(`prisma/migrations/${folder}/migration.sql`, 'utf8');
  await app.rows(sql.slice(sql.indexOf('-- What banned users did')));
  const shown = await app.rows(
    `SELECT type::text, actor_id, others_count, data FROM notifications WHERE user_id = $1 AND NOT hidden`,
    [anna],
  );
  expect(shown).toEqual([
    { type: 'post_liked', actor_id: boris, others_count: 0, data: { post_id: post, user_id: boris } },
  ]);
  expect(
    await app.rows('SELECT likes_count, comments_count, reposts_count FROM posts WHERE id = $1', [post]),
  ).toEqual([{ likes_count: 2, comments_count: 0, reposts_count: 1 }]);
  await app.stop();
});
