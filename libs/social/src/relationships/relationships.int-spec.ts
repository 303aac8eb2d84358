import { Metrics, PgPool } from '#platform';
import { blockedTopic, followersTopic, friendsTopic } from '#realtime';
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
  const relationships = new Relationships(app.app.get(PgPool), app.app.get(Metrics));
  const [ofAnna, ofOther] = await Promise.all([anna.id, ids[4]!].map((id) => relationships.topicsOf(id)));
  const results = await Promise.all(
    query.mock.results.map(({ value }) => value as Promise<{ rows: unknown[] }>),
  );
  await app.stop();
  const expected = [
    ...ids.slice(0, 3).map(followersTopic),
    ...ids.slice(0, 2).map(friendsTopic),
    ...ids.slice(3).map(blockedTopic),
  ];
  expect(new Set(ofAnna!.topics)).toEqual(new Set(expected));
  expect(ofOther!.topics).toEqual([blockedTopic(anna.id)]);
  // Follows, friends and blocks of one user, the block of the other, and the snapshots of both look-ups.
  expect(results.reduce((sum, { rows }) => sum + rows.length, 0)).toBe(6);
});
