import { LikeAnswer } from '#contracts';
import { LikePost } from '#social';
import type { Account } from '#testing';
import { CommandBus } from '@nestjs/cqrs';
import { randomUUID } from 'node:crypto';
import { checked, find, like, post, received } from './posts.js';
import { anna, app, boris, outcome, setScene, vera } from './scene.js';

setScene('for all tests');

describe('a like', () => {
  it('is counted once, and removed once', async () => {
    const { id } = await post(anna);
    const answer = async (who: Account, method?: string) =>
      checked(await like(who, id, method), LikeAnswer, 200);
    expect(await answer(boris)).toEqual({ liked: true, likes_count: 1 });
    expect(await answer(boris)).toEqual({ liked: true, likes_count: 1 });
    expect(await answer(anna)).toEqual({ liked: true, likes_count: 2 });
    expect((await find(boris, id)).body).toMatchObject({ liked: true, likes_count: 2 });
    expect((await find(vera, id)).body).toMatchObject({ liked: false, likes_count: 2 });
    expect(await answer(vera, 'DELETE')).toEqual({ liked: false, likes_count: 2 });
    expect(await answer(boris, 'DELETE')).toEqual({ liked: false, likes_count: 1 });
    expect(await answer(boris, 'DELETE')).toEqual({ liked: false, likes_count: 1 });
  });

  it('is set and removed in the order of one user’s requests, also when concurrent', async () => {
    const { id } = await post(anna);
    const commands = app.app.get(CommandBus);
    const asked = [true, false, true, false, true].map((on) =>
      commands.execute(new LikePost(boris.id, id, on)),
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
    const { id } = await post(anna);
    const missing = randomUUID();
    const replies = await Promise.all([like(boris, missing), like(boris, id), like(vera, missing, 'DELETE')]);
    expect(replies.map(({ status }) => status)).toEqual([404, 200, 404]);
    expect(outcome(await like(boris, 'x'))).toEqual([400, 'INVALID_DATA']);
  });

  it('notifies the author under one cause, however often it is removed and set again', async () => {
    const { id } = await post(anna);
    for (const method of ['PUT', 'PUT', 'DELETE', 'PUT']) await like(boris, id, method);
    await like(anna, id);
    const causes = (await received('post_liked')).filter(({ key }) => key.includes(id));
    expect(new Set(causes.map(({ key }) => key))).toEqual(new Set([`post_liked:${id}:${boris.id}`]));
    expect(causes[0]).toMatchObject({ to: [anna.id], data: { post_id: id, user_id: boris.id } });
  });

  it('is counted exactly among a thousand concurrent likes and removals', async () => {
    const { id } = await post(anna);
    const manyPeople = await app.people(...Array.from({ length: 20 }, (_, i) => `Толпа ${i}`));
    const methods = ['PUT', 'DELETE'];
    const replies = await Promise.all(
      Array.from({ length: 1000 }, (_, i) => like(manyPeople[i % 20]!, id, methods[(i + (i % 20)) % 2])),
    );
    expect(replies.filter(({ status }) => status !== 200)).toEqual([]);
    const stored = (await app.rows('SELECT FROM post_likes WHERE post_id = $1', [id])).length;
    expect((await find(boris, id)).body.likes_count).toBe(stored);
    await Promise.all(manyPeople.map((who, i) => like(who, id, i < 7 ? 'PUT' : 'DELETE')));
    expect((await find(boris, id)).body.likes_count).toBe(7);
    expect(await app.rows('SELECT FROM post_likes WHERE post_id = $1', [id])).toHaveLength(7);
  });
});
