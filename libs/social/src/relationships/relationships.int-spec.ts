import { PgPool, blockedRoom, followersRoom, friendsRoom } from '#platform';
import { TestApp } from '#testing';
import { Relationships } from './relationships.js';

it('all relationships of a user are read in a few rows', async () => {
  const app = await TestApp.start();
  const [anna, ...others] = await app.people('Анна', 'Борис', 'Вера', 'Глеб', 'Дина', 'Егор');
  const ids = others.map(({ id }) => id);
  await app.rows('INSERT INTO follows (follower_id, followee_id) SELECT $1, unnest($2::uuid[])', [
    anna.id,
    ids.slice(0, 3),
  ]);
  await app.rows('INSERT INTO friends (user_id, friend_id) SELECT $1, unnest($2::uuid[])', [
    anna.id,
    ids.slice(0, 2),
  ]);
  await app.rows(
    `INSERT INTO blocks (blocker_id, blocked_id, blocker_name, blocker_handle, blocked_name, blocked_handle)
     SELECT $1, unnest($2::uuid[]), 'a', 'a', 'b', 'b'`,
    [anna.id, ids.slice(3)],
  );
  const query = jest.spyOn(app.app.get(PgPool), 'query');
  const relationships = new Relationships(app.app.get(PgPool));
  const [ofAnna, ofOther] = await Promise.all([anna.id, ids[4]!].map((id) => relationships.roomsOf(id)));
  const results = await Promise.all(
    query.mock.results.map(({ value }) => value as Promise<{ rows: unknown[] }>),
  );
  await app.stop();
  const expected = [
    ...ids.slice(0, 3).map(followersRoom),
    ...ids.slice(0, 2).map(friendsRoom),
    ...ids.slice(3).map(blockedRoom),
  ];
  expect(ofAnna!.sort()).toEqual(expected.sort());
  expect(ofOther).toEqual([blockedRoom(anna.id)]);
  // Follows, friends and blocks of one user, and the block of the other.
  expect(results.reduce((sum, { rows }) => sum + rows.length, 0)).toBe(4);
});
