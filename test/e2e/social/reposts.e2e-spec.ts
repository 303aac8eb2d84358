import { PostDto } from '#contracts';
import { randomUUID } from 'node:crypto';
import { checked, outcome, useSocial } from './scene.js';

const scene = useSocial('for all tests');
const { find, post, repost, received } = scene;

describe('a repost', () => {
  it('shows the original, and each user can repost it once', async () => {
    const original = await post(scene.anna, 'Оригинал');
    const copy = checked(await repost(scene.boris, original.id, { content: 'Смотрите' }), PostDto);
    expect(copy).toMatchObject({ content: 'Смотрите', is_repost: true, media_urls: [] });
    expect(copy.repost_of).toEqual({ ...original, reposts_count: 1 });
    expect(outcome(await repost(scene.boris, original.id))).toEqual([409, 'CONFLICT']);
    expect((await find(scene.anna, original.id)).body.reposts_count).toBe(1);
    // A repost of a repost leads to the same original.
    const second = checked(await repost(scene.vera, copy.id), PostDto);
    expect(second.repost_of!.id).toBe(original.id);
    expect(outcome(await repost(scene.vera, original.id))).toEqual([409, 'CONFLICT']);
    expect((await find(scene.anna, original.id)).body.reposts_count).toBe(2);
    expect((await received('post_reposted')).slice(-2).map(({ key, to }) => [key, to])).toEqual([
      [`post_reposted:${original.id}:${scene.boris.id}`, [scene.anna.id]],
      [`post_reposted:${original.id}:${scene.vera.id}`, [scene.anna.id]],
    ]);
    await scene.app.request('DELETE', `posts/${copy.id}`, scene.boris.token);
    expect((await find(scene.anna, original.id)).body.reposts_count).toBe(1);
    expect((await repost(scene.boris, original.id)).status).toBe(201);
  });

  it('of twenty at once is one', async () => {
    const { id } = await post(scene.anna);
    const statuses = (await Promise.all(Array.from({ length: 20 }, () => repost(scene.boris, id)))).map(
      (r) => r.status,
    );
    expect(statuses.sort((a, b) => a - b)).toEqual([201, ...Array<number>(19).fill(409)]);
    expect((await find(scene.anna, id)).body.reposts_count).toBe(1);
  });

  it('of an unknown post is not found', async () => {
    expect(outcome(await repost(scene.boris, randomUUID()))).toEqual([404, 'NOT_FOUND']);
    expect(
      outcome(await repost(scene.boris, (await post(scene.anna)).id, { content: 'x'.repeat(4001) })),
    ).toEqual([413, 'MESSAGE_TOO_LARGE']);
  });
});
