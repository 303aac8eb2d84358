import type { PostDto } from '#contracts';
import { ReconcileNotifications } from '#notifications';
import { wholeReads, withPlans, type Account, type TestApp } from '#testing';
import { CommandBus } from '@nestjs/cqrs';
import { ReconcileContributions } from './posts/commands/reconcile-contributions.command.js';

const TABLES = [
  'users',
  'notifications',
  'notification_causes',
  'posts',
  'post_likes',
  'comments',
  'follows',
  'friends',
  'friend_requests',
  'blocks',
  'chats',
];
const USERS = 20_000;
const user = (number: string) => `('aaaaaaaa-0000-4000-8000-' || lpad(to_hex(${number}), 12, '0'))::uuid`;
const post = (number: string) => `('bbbbbbbb-0000-4000-8000-' || lpad(to_hex(${number}), 12, '0'))::uuid`;

/** Enough rows that reading a whole table is a mistake. */
const FILL = [
  `INSERT INTO users (id, email, password_hash, name, handle)
   SELECT ${user('i')}, i || '@example.com', '', 'Somebody ' || i, 'somebody_' || i FROM generate_series(1, ${USERS}) AS i`,
  `INSERT INTO posts (id, author_id, content)
   SELECT ${post('i')}, ${user(`1 + i % ${USERS}`)}, 'post' FROM generate_series(1, 100000) AS i`,
  `INSERT INTO posts (id, author_id, content, is_repost, repost_of_id)
   SELECT gen_random_uuid(), ${user(`1 + i % ${USERS}`)}, '', true, ${post('i')} FROM generate_series(1, 20000) AS i`,
  `INSERT INTO post_likes (post_id, user_id)
   SELECT ${post('i')}, ${user(`1 + (i * 7) % ${USERS}`)} FROM generate_series(1, 50000) AS i`,
  `INSERT INTO comments (id, post_id, author_id, content)
   SELECT gen_random_uuid(), ${post('i')}, ${user(`1 + (i * 7) % ${USERS}`)}, 'x' FROM generate_series(1, 50000) AS i`,
  ...[
    ['follows', 'follower_id, followee_id'],
    ['blocks', 'blocker_id, blocked_id'],
    ['friends', 'user_id, friend_id'],
  ].map(
    ([table, columns], i) => `INSERT INTO ${table} (${columns})
     SELECT ${user('u')}, ${user(`1 + (u + k * ${11 + i}) % ${USERS}`)}
     FROM generate_series(1, ${USERS}) AS u, generate_series(1, 3) AS k`,
  ),
  `INSERT INTO notifications (id, user_id, type, actor_id, data)
   SELECT ${post('i')}, ${user(`1 + i % ${USERS}`)}, 'post_liked', ${user(`1 + (i * 7) % ${USERS}`)},
     jsonb_build_object('post_id', ${post('i')}) FROM generate_series(1, 20000) AS i`,
  `INSERT INTO notification_causes (key, user_id, actor_id, notification_id, data)
   SELECT 'post_liked:' || id, user_id, actor_id, id, data FROM notifications`,
  `INSERT INTO chats (id, type, direct_key, member_count)
   SELECT gen_random_uuid(), 'direct', i || ':' || i, 2 FROM generate_series(1, ${USERS}) AS i`,
  `INSERT INTO friend_requests (id, from_id, to_id)
   SELECT gen_random_uuid(), ${user('u')}, ${user(`1 + (u + 100) % ${USERS}`)} FROM generate_series(1, ${USERS}) AS u`,
  `INSERT INTO friend_requests (id, from_id, to_id, status, answered_at)
   SELECT gen_random_uuid(), from_id, to_id, 'withdrawn', now() FROM friend_requests, generate_series(1, 5)`,
];

it('no social request reads a whole table', () =>
  withPlans(FILL, async (app, plans, admin) => {
    const [anna, boris] = await app.people('Anna Plan', 'Boris Plan');
    // Other users have follows, friends and blocks as real ones do.
    for (const [table, columns] of [
      ['follows', 'follower_id, followee_id'],
      ['friends', 'user_id, friend_id'],
    ])
      await admin.query(
        `INSERT INTO ${table} (${columns}) SELECT $1, id FROM (SELECT id FROM users LIMIT 300) AS crowd WHERE id <> $1`,
        [anna.id],
      );
    await playThrough(app, anna, boris);
    const all = plans.join('\n');
    for (const table of ['posts', 'comments', 'follows', 'friends', 'friend_requests', 'blocks'])
      expect(all).toContain(` on ${table}`);
    for (const index of ['open', 'asked', 'from_id_to_id'])
      expect(all).toContain(`friend_requests_${index}_idx`);
    expect(wholeReads(plans, TABLES)).toEqual([]);
  }));

async function playThrough(app: TestApp, anna: Account, boris: Account): Promise<void> {
  const does = async <T extends object>(who: Account, route: string, body?: object): Promise<T> => {
    const [method, path] = route.split(' ') as [string, string];
    const reply = await app.request<T>(method, path, who.token, body);
    expect([route, reply.status < 300, reply.body.code]).toEqual([route, true, undefined]);
    return reply.body;
  };
  const theirs = 'bbbbbbbb-0000-4000-8000-000000000005';
  const device = await app.device(anna);
  const { id } = await does<PostDto>(anna, 'POST posts', { content: '@somebody_1 @somebody_2 @boris_plan' });
  for (const target of [id, theirs]) {
    await does(boris, `PUT posts/${target}/like`);
    await does(boris, `DELETE posts/${target}/like`);
    const comment = await does<{ id: string }>(boris, `POST posts/${target}/comments`, {
      content: '@anna_plan',
    });
    const parent_id = comment.id;
    await does(anna, `POST posts/${target}/comments`, { content: 'x', parent_id });
    await does(anna, `GET posts/${target}/comments?limit=1`);
    await does(boris, `DELETE posts/${target}/comments/${parent_id}`);
    const repost = await does<PostDto>(boris, `POST posts/${target}/repost`, { content: '@anna_plan' });
    await does(boris, `DELETE posts/${repost.id}`);
    await does(anna, `GET posts/${target}`);
  }
  const page = await does<{ next_cursor: string }>(anna, 'GET feed?limit=3');
  await does(anna, `GET feed?limit=3&cursor=${page.next_cursor}`);
  await does(boris, `GET users/${anna.id}/posts`);
  await does(anna, `DELETE posts/${id}`);
  await does(boris, `PUT users/${anna.id}/follow`);
  await does(boris, `DELETE users/${anna.id}/follow`);
  const asked = await does<{ id: string }>(boris, 'POST friends/requests', { user_id: anna.id });
  await does(boris, `DELETE friends/requests/${asked.id}`);
  for (const [who, whom, answer] of [
    [anna, boris, 'decline'],
    [boris, anna, 'accept'],
  ] as const) {
    const request = await does<{ id: string }>(who, 'POST friends/requests', { user_id: whom.id });
    await does(whom, 'GET friends/requests');
    await does(who, 'GET friends/requests?direction=outgoing');
    await does(whom, `POST friends/requests/${request.id}/${answer}`);
  }
  await does(anna, 'GET friends?limit=3');
  await does(anna, `DELETE friends/${boris.id}`);
  await does(anna, `PUT users/${boris.id}/block`);
  await does(anna, 'GET users/me/blocked');
  await does(anna, `DELETE users/${boris.id}/block`);
  await does(anna, `GET users/${boris.id}`);
  // These users have many rows: a ban finds them by its indexes.
  const [{ id: busy }] = (await app.rows(
    `UPDATE users SET banned_at = now() WHERE handle = 'somebody_8' RETURNING id`,
  )) as [{ id: string }];
  await app.app.get(CommandBus).execute(new ReconcileContributions(busy));
  await app.app.get(CommandBus).execute(new ReconcileNotifications(busy));
  await does(anna, `GET presence?user_ids=${boris.id}`);
  await device.settled();
}
