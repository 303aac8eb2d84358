import { PostDto } from '#contracts';
import { randomUUID } from 'node:crypto';
import { checked, find, post, repost, received } from './posts.js';
import { anna, app, boris, outcome, setScene, vera } from './scene.js';

setScene('for all tests');

describe('a repost', () => {
  it('shows the original, and each user can repost it once', async () => {
    const original = await post(anna, 'Оригинал');
    const copy = checked(await repost(boris, original.id, { content: 'Смотрите' }), PostDto);
    expect(copy).toMatchObject({ content: 'Смотрите', is_repost: true, media_urls: [] });
    expect(copy.repost_of).toEqual({ ...original, reposts_count: 1 });
    expect(outcome(await repost(boris, original.id))).toEqual([409, 'CONFLICT']);
    expect((await find(anna, original.id)).body.reposts_count).toBe(1);
    // A repost of a repost leads to the same original.
    const second = checked(await repost(vera, copy.id), PostDto);
    expect(second.repost_of!.id).toBe(original.id);
    expect(outcome(await repost(vera, original.id))).toEqual([409, 'CONFLICT']);
    expect((await find(anna, original.id)).body.reposts_count).toBe(2);
    expect((await received('post_reposted')).slice(-2).map(({ key, to }) => [key, to])).toEqual([
      [`post_reposted:${original.id}:${boris.id}`, [anna.id]],
      [`post_reposted:${original.id}:${vera.id}`, [anna.id]],
    ]);
    await app.request('DELETE', `posts/${copy.id}`, boris.token);
    expect((await find(anna, original.id)).body.reposts_count).toBe(1);
    expect((await repost(boris, original.id)).status).toBe(201);
  });

  it('of twenty at once is one', async () => {
    const { id } = await post(anna);
    const statuses = (await Promise.all(Array.from({ length: 20 }, () => repost(boris, id)))).map(
      (r) => r.status,
    );
    expect(statuses.sort((a, b) => a - b)).toEqual([201, ...Array<number>(19).fill(409)]);
    expect((await find(anna, id)).body.reposts_count).toBe(1);
  });

  it('of an unknown post is not found', async () => {
    expect(outcome(await repost(boris, randomUUID()))).toEqual([404, 'NOT_FOUND']);
    expect(outcome(await repost(boris, (await post(anna)).id, { content: 'x'.repeat(4001) }))).toEqual([
      413,
      'MESSAGE_TOO_LARGE',
    ]);
  });
});
