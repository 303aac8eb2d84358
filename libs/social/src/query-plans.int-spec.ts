import type { PostDto } from '#contracts';
import { ReconcileNotifications } from '#notifications';
import {
  describePlans,
  FILL_USERS,
  filledUser,
  FILLED_USERS,
  numbered,
  type Account,
  type TestApp,
} from '#testing';
import { CommandBus } from '@nestjs/cqrs';
import { ReconcileContributions } from './posts/commands/reconcile-contributions.command.js';

const FILL = [
  FILL_USERS,
  `INSERT INTO posts (id, author_id, content)
   SELECT ${numbered('b', 'i')}, ${filledUser('i')}, 'post' FROM generate_series(1, 100000) AS i`,
  `INSERT INTO posts (id, author_id, content, is_repost, repost_of_id)
   SELECT gen_random_uuid(), ${filledUser('i')}, '', true, ${numbered('b', 'i')} FROM generate_series(1, 20000) AS i`,
  `INSERT INTO post_likes (post_id, user_id)
   SELECT ${numbered('b', 'i')}, ${filledUser('i * 7')} FROM generate_series(1, 50000) AS i`,
  `INSERT INTO comments (id, post_id, author_id, content)
   SELECT gen_random_uuid(), ${numbered('b', 'i')}, ${filledUser('i * 7')}, 'x' FROM generate_series(1, 50000) AS i`,
  ...[
    ['follows', 'follower_id, followee_id'],
    ['blocks', 'blocker_id, blocked_id'],
    ['friends', 'user_id, friend_id'],
  ].map(
    ([table, columns], i) => `INSERT INTO ${table} (${columns})
     SELECT ${filledUser('u')}, ${filledUser(`u + k * ${11 + i}`)}
     FROM generate_series(1, ${FILLED_USERS}) AS u, generate_series(1, 3) AS k`,
  ),
  `INSERT INTO notifications (id, user_id, type, actor_id, data)
   SELECT ${numbered('b', 'i')}, ${filledUser('i')}, 'post_liked', ${filledUser('i * 7')},
     jsonb_build_object('post_id', ${numbered('b', 'i')}) FROM generate_series(1, 20000) AS i`,
  `INSERT INTO notification_causes (key, user_id, actor_id, notification_id, data)
   SELECT 'post_liked:' || id, user_id, actor_id, id, data FROM notifications`,
  `INSERT INTO chats (id, type, direct_key, member_count)
   SELECT gen_random_uuid(), 'direct', i || ':' || i, 2 FROM generate_series(1, ${FILLED_USERS}) AS i`,
  `INSERT INTO friend_requests (id, from_id, to_id)
   SELECT gen_random_uuid(), ${filledUser('u')}, ${filledUser('u + 100')} FROM generate_series(1, ${FILLED_USERS}) AS u`,
  `INSERT INTO friend_requests (id, from_id, to_id, status, answered_at)
   SELECT gen_random_uuid(), from_id, to_id, 'withdrawn', now() FROM friend_requests, generate_series(1, 5)`,
];

describePlans('social requests', FILL, [
  {
    title: 'read no whole table',
    uses: [
      ...['posts', 'comments', 'follows', 'friends', 'friend_requests', 'blocks'].map(
        (table) => ` on ${table}`,
      ),
      ...['open', 'asked', 'from_id_to_id'].map((name) => `friend_requests_${name}_idx`),
    ],
    async run({ app, admin }) {
      const [anna, boris] = await app.people('Anna Plan', 'Boris Plan');
      // Other users have follows, friends and blocks as real ones do.
      for (const [table, columns] of [
        ['follows', 'follower_id, followee_id'],
        ['friends', 'user_id, friend_id'],
      ])
        await admin.query(
          `INSERT INTO ${table} (${columns}) SELECT $1, id FROM (SELECT id FROM users LIMIT 300) AS chosen WHERE id <> $1`,
          [anna.id],
        );
      await playThrough(app, anna, boris);
    },
  },
]);

async function playThrough(app: TestApp, anna: Account, boris: Account): Promise<void> {
  const theirs = 'bbbbbbbb-0000-4000-8000-000000000005';
  const device = await app.device(anna);
  const { id } = await app.ask<PostDto>(anna, 'POST posts', {
    content: '@somebody_1 @somebody_2 @boris_plan',
  });
  for (const target of [id, theirs]) {
    await app.ask(boris, `PUT posts/${target}/like`);
    await app.ask(boris, `DELETE posts/${target}/like`);
    const comment = await app.ask(boris, `POST posts/${target}/comments`, {
      content: '@anna_plan',
    });
    const parent_id = comment.id;
    await app.ask(anna, `POST posts/${target}/comments`, { content: 'x', parent_id });
    await app.ask(anna, `GET posts/${target}/comments?limit=1`);
    await app.ask(boris, `DELETE posts/${target}/comments/${parent_id}`);
    const repost = await app.ask<PostDto>(boris, `POST posts/${target}/repost`, { content: '@anna_plan' });
    await app.ask(boris, `DELETE posts/${repost.id}`);
    await app.ask(anna, `GET posts/${target}`);
  }
  const page = await app.ask<{ next_cursor: string }>(anna, 'GET feed?limit=3');
  await app.ask(anna, `GET feed?limit=3&cursor=${page.next_cursor}`);
  await app.ask(boris, `GET users/${anna.id}/posts`);
  await app.ask(anna, `DELETE posts/${id}`);
  await app.ask(boris, `PUT users/${anna.id}/follow`);
  await app.ask(boris, `DELETE users/${anna.id}/follow`);
  const asked = await app.ask(boris, 'POST friends/requests', { user_id: anna.id });
  await app.ask(boris, `DELETE friends/requests/${asked.id}`);
  for (const [who, whom, answer] of [
    [anna, boris, 'decline'],
    [boris, anna, 'accept'],
  ] as const) {
    const request = await app.ask(who, 'POST friends/requests', { user_id: whom.id });
    await app.ask(whom, 'GET friends/requests');
    await app.ask(who, 'GET friends/requests?direction=outgoing');
    await app.ask(whom, `POST friends/requests/${request.id}/${answer}`);
  }
  await app.ask(anna, 'GET friends?limit=3');
  await app.ask(anna, `DELETE friends/${boris.id}`);
  await app.ask(anna, `PUT users/${boris.id}/block`);
  await app.ask(anna, 'GET users/me/blocked');
  await app.ask(anna, `DELETE users/${boris.id}/block`);
  await app.ask(anna, `GET users/${boris.id}`);
  // These users have many rows: a ban finds them by its indexes.
  const [{ id: busy }] = (await app.rows(
    `UPDATE users SET banned_at = now() WHERE handle = 'somebody_8' RETURNING id`,
  )) as [{ id: string }];
  await app.app.get(CommandBus).execute(new ReconcileContributions(busy));
  await app.app.get(CommandBus).execute(new ReconcileNotifications(busy));
  await app.ask(anna, `GET presence?user_ids=${boris.id}`);
  await device.settled();
}
