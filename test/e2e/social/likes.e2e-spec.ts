import { LikeAnswer } from '#contracts';
import { LikePost } from '#social';
import type { Account } from '#testing';
import { CommandBus } from '@nestjs/cqrs';
import { randomUUID } from 'node:crypto';
import { checked, outcome, useSocial } from './scene.js';

const scene = useSocial('for all tests');
const { find, like, post, received } = scene;

describe('a like', () => {
  it('is counted once, and removed once', async () => {
    const { id } = await post(scene.anna);
    const answer = async (who: Account, method?: string) =>
      checked(await like(who, id, method), LikeAnswer, 200);
    expect(await answer(scene.boris)).toEqual({ liked: true, likes_count: 1 });
    expect(await answer(scene.boris)).toEqual({ liked: true, likes_count: 1 });
    expect(await answer(scene.anna)).toEqual({ liked: true, likes_count: 2 });
    expect((await find(scene.boris, id)).body).toMatchObject({ liked: true, likes_count: 2 });
    expect((await find(scene.vera, id)).body).toMatchObject({ liked: false, likes_count: 2 });
    expect(await answer(scene.vera, 'DELETE')).toEqual({ liked: false, likes_count: 2 });
    expect(await answer(scene.boris, 'DELETE')).toEqual({ liked: false, likes_count: 1 });
    expect(await answer(scene.boris, 'DELETE')).toEqual({ liked: false, likes_count: 1 });
  });

  it('is set and removed in the order of one user’s requests, also when concurrent', async () => {
    const { id } = await post(scene.anna);
    const commands = scene.app.app.get(CommandBus);
    const asked = [true, false, true, false, true].map((on) =>
      commands.execute(new LikePost(scene.boris.id, id, on)),
    );
    expect((await Promise.all(asked)).map(({ liked, likes_count }) => [liked, likes_count])).toEqual([
      [true, 1],
      [false, 0],
      [true, 1],
      [false, 0],
      [true, 1],
    ]);
  });

  it('of an unknown post is not found, while a concurrent one of a known post succeeds', async () => {
    const { id } = await post(scene.anna);
    const missing = randomUUID();
    const replies = await Promise.all([
      like(scene.boris, missing),
      like(scene.boris, id),
      like(scene.vera, missing, 'DELETE'),
    ]);
    expect(replies.map(({ status }) => status)).toEqual([404, 200, 404]);
    expect(outcome(await like(scene.boris, 'x'))).toEqual([400, 'INVALID_DATA']);
  });

  it('notifies the author under one cause, however often it is removed and set again', async () => {
    const { id } = await post(scene.anna);
    for (const method of ['PUT', 'PUT', 'DELETE', 'PUT']) await like(scene.boris, id, method);
    await like(scene.anna, id);
    const causes = (await received('post_liked')).filter(({ key }) => key.includes(id));
    expect(new Set(causes.map(({ key }) => key))).toEqual(new Set([`post_liked:${id}:${scene.boris.id}`]));
    expect(causes[0]).toMatchObject({ to: [scene.anna.id], data: { post_id: id, user_id: scene.boris.id } });
  });

  it('is counted exactly among a thousand concurrent likes and removals', async () => {
    const { id } = await post(scene.anna);
    const manyPeople = await scene.app.people(...Array.from({ length: 20 }, (_, i) => `Толпа ${i}`));
    const methods = ['PUT', 'DELETE'];
    const replies = await Promise.all(
      Array.from({ length: 1000 }, (_, i) => like(manyPeople[i % 20]!, id, methods[(i + (i % 20)) % 2])),
    );
    expect(replies.filter(({ status }) => status !== 200)).toEqual([]);
    const stored = (await scene.app.rows('SELECT FROM post_likes WHERE post_id = $1', [id])).length;
    expect((await find(scene.boris, id)).body.likes_count).toBe(stored);
    await Promise.all(manyPeople.map((who, i) => like(who, id, i < 7 ? 'PUT' : 'DELETE')));
    expect((await find(scene.boris, id)).body.likes_count).toBe(7);
    expect(await scene.app.rows('SELECT FROM post_likes WHERE post_id = $1', [id])).toHaveLength(7);
  });
});
