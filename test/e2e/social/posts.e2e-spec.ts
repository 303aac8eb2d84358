import { PostDto, type PostPage } from '#contracts';
import type { Account } from '#testing';
import { randomUUID } from 'node:crypto';
import { checked, outcome, useSocial } from './scene.js';

const scene = useSocial('for all tests');
const { comment, find, like, post, repost } = scene;

describe('a post', () => {
  it('is shown as it was written, and as its creation answers', async () => {
    const media = ['https://storage.service.com/1.jpg', 'http://localhost/2.mp4'];
    const made = await post(scene.anna, ' Новая работа 😀\n', media);
    expect(made).toEqual({
      id: expect.any(String),
      author: { id: scene.anna.id, name: 'Анна', handle: expect.any(String), avatar: null, is_master: false },
      content: ' Новая работа 😀\n',
      media_urls: media,
      is_repost: false,
      repost_of: null,
      likes_count: 0,
      comments_count: 0,
      reposts_count: 0,
      liked: false,
      created_at: expect.any(String),
    });
    expect(checked(await find(scene.boris, made.id), PostDto, 200)).toEqual(made);
    expect((await post(scene.anna, '', media)).content).toBe('');
  });

  it.each<[string, object, string, number]>([
    ['content', {}, 'INVALID_DATA', 400],
    ['content', { content: null }, 'INVALID_DATA', 400],
    ['content', { content: ['x'] }, 'INVALID_DATA', 400],
    ['content', { content: ' \n\t' }, 'INVALID_DATA', 400],
    ['content', { content: '', media_urls: [] }, 'INVALID_DATA', 400],
    ['content', { content: 'я'.repeat(4001) }, 'MESSAGE_TOO_LARGE', 413],
    ['media_urls', { content: 'x', media_urls: 'https://example.com/1' }, 'INVALID_DATA', 400],
    ['media_urls', { content: 'x', media_urls: ['javascript:alert(1)'] }, 'INVALID_DATA', 400],
    ['media_urls', { content: 'x', media_urls: ['https://example.com/1', 'x'] }, 'INVALID_DATA', 400],
    ['media_urls', { content: 'x', media_urls: [null] }, 'INVALID_DATA', 400],
    [
      'media_urls',
      { content: 'x', media_urls: [`https://example.com/${'x'.repeat(2048)}`] },
      'INVALID_DATA',
      400,
    ],
    [
      'media_urls',
      { content: 'x', media_urls: Array(11).fill('https://example.com/1') },
      'INVALID_DATA',
      400,
    ],
  ])('with a wrong %s is refused (%#)', async (field, body, code, status) => {
    const count = async () => (await scene.app.rows('SELECT FROM posts')).length;
    const before = await count();
    const reply = await scene.app.request<object>('POST', 'posts', scene.anna.token, body);
    expect([outcome(reply), reply.body.details?.[0]?.field]).toEqual([[status, code], field]);
    expect(await count()).toBe(before);
  });

  it('is listed with its author’s other posts, newest first, in pages', async () => {
    const author = await scene.app.register('Глеб');
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) ids.unshift((await post(author, `${i}`)).id);
    const page = async (query: string) =>
      (await scene.app.request<PostPage>('GET', `users/${author.id}/posts?${query}`, scene.boris.token)).body;
    const first = await page('limit=3');
    expect(first.items.map(({ id }) => id)).toEqual(ids.slice(0, 3));
    const second = await page(`limit=3&cursor=${first.next_cursor}`);
    expect([second.items.map(({ id }) => id), second.next_cursor]).toEqual([ids.slice(3), null]);
    for (const bad of ['cursor=x', `cursor=${Buffer.from('["x"]').toString('base64url')}`, 'limit=201'])
      expect(await page(bad)).toMatchObject({ code: 'INVALID_DATA' });
    const nobody = await scene.app.request('GET', `users/${randomUUID()}/posts`, scene.boris.token);
    expect(outcome(nobody)).toEqual([404, 'NOT_FOUND']);
  });

  it('is deleted by its author or an admin only, with all that belongs to it; reposts stay', async () => {
    const [admin] = await scene.app.people('Админ');
    await scene.app.rows(`UPDATE users SET role = 'admin' WHERE id = $1`, [admin.id]);
    const original = await post(scene.anna);
    const copy = checked(await repost(scene.boris, original.id, { content: 'см.' }), PostDto);
    const { id: comment_id } = await comment(scene.vera, original.id);
    await comment(scene.anna, original.id, 'Спасибо', comment_id);
    await like(scene.vera, original.id);
    const remove = async (who: Account, id: string) =>
      outcome(await scene.app.request('DELETE', `posts/${id}`, who.token));
    expect(await remove(scene.boris, original.id)).toEqual([403, 'FORBIDDEN']);
    expect((await find(scene.boris, original.id)).body).toMatchObject({
      likes_count: 1,
      comments_count: 2,
      reposts_count: 1,
    });
    expect(await remove(scene.anna, original.id)).toEqual([204, undefined]);
    expect(await remove(scene.anna, original.id)).toEqual([404, 'NOT_FOUND']);
    expect(outcome(await find(scene.boris, original.id))).toEqual([404, 'NOT_FOUND']);
    for (const table of ['comments', 'post_likes'])
      expect(await scene.app.rows(`SELECT FROM ${table} WHERE post_id = $1`, [original.id])).toEqual([]);
    expect((await find(scene.vera, copy.id)).body).toMatchObject({
      content: 'см.',
      is_repost: true,
      repost_of: null,
    });
    // A repost whose original is gone cannot be reposted.
    expect(outcome(await repost(scene.vera, copy.id))).toEqual([404, 'NOT_FOUND']);
    expect(await remove(admin, copy.id)).toEqual([204, undefined]);
  });
});
