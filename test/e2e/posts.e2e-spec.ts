import { CommentDto, LikeAnswer, PostDto, type CommentPage, type PostPage } from '#contracts';
import { contractErrors, promised, rememberPromises, TestApp, type Account, type Reply } from '#testing';
import { LikePost } from '#social';
import { CommandBus } from '@nestjs/cqrs';
import type { ClassConstructor } from 'class-transformer';
import { randomUUID } from 'node:crypto';

let app: TestApp;
let anna: Account;
let boris: Account;
let vera: Account;
beforeAll(async () => {
  app = await TestApp.start();
  await rememberPromises(app);
  [anna, boris, vera] = await app.people('Анна', 'Борис', 'Вера');
});
afterAll(() => app.stop());

const checked = <T>({ body, status }: Reply<T>, type: ClassConstructor<object>, expected = 201): T => {
  expect([status, status === expected ? contractErrors(type, body) : body]).toEqual([expected, []]);
  return body;
};
const post = async (author: Account, content = 'Привет', media_urls?: string[]) =>
  checked(await app.request<PostDto>('POST', 'posts', author.token, { content, media_urls }), PostDto);
const find = (reader: Account, id: string) => app.request<PostDto>('GET', `posts/${id}`, reader.token);
const like = (who: Account, id: string, method = 'PUT') =>
  app.request<LikeAnswer>(method, `posts/${id}/like`, who.token);
const comment = async (who: Account, id: string, content = 'Класс', parent_id?: string) =>
  checked(
    await app.request<CommentDto>('POST', `posts/${id}/comments`, who.token, { content, parent_id }),
    CommentDto,
  );
const comments = async (reader: Account, id: string, query = '') =>
  (await app.request<CommentPage>('GET', `posts/${id}/comments?${query}`, reader.token)).body;
const repost = (who: Account, id: string, body?: object) =>
  app.request<PostDto>('POST', `posts/${id}/repost`, who.token, body);
const outcome = <T>({ status, body }: Reply<T>) => [status, body.code];
const told = (type: Parameters<typeof promised>[1]) => promised(app, type);

describe('a post', () => {
  it('is shown as it was written, and is what its creation answers', async () => {
    const media = ['https://storage.service.com/1.jpg', 'http://localhost/2.mp4'];
    const made = await post(anna, ' Новая работа 😀\n', media);
    expect(made).toEqual({
      id: expect.any(String),
      author: { id: anna.id, name: 'Анна', handle: expect.any(String), avatar: null, is_master: false },
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
    expect(checked(await find(boris, made.id), PostDto, 200)).toEqual(made);
    expect((await post(anna, '', media)).content).toBe('');
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
    const count = async () => (await app.rows('SELECT FROM posts')).length;
    const before = await count();
    const reply = await app.request<object>('POST', 'posts', anna.token, body);
    expect([outcome(reply), reply.body.details?.[0]?.field]).toEqual([[status, code], field]);
    expect(await count()).toBe(before);
  });

  it('is listed with its author’s others, newest first, page by page', async () => {
    const author = await app.register('Глеб');
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) ids.unshift((await post(author, `${i}`)).id);
    const page = async (query: string) =>
      (await app.request<PostPage>('GET', `users/${author.id}/posts?${query}`, boris.token)).body;
    const first = await page('limit=3');
    expect(first.items.map(({ id }) => id)).toEqual(ids.slice(0, 3));
    const second = await page(`limit=3&cursor=${first.next_cursor}`);
    expect([second.items.map(({ id }) => id), second.next_cursor]).toEqual([ids.slice(3), null]);
    for (const bad of ['cursor=x', `cursor=${Buffer.from('["x"]').toString('base64url')}`, 'limit=201'])
      expect(await page(bad)).toMatchObject({ code: 'INVALID_DATA' });
    const nobody = await app.request('GET', `users/${randomUUID()}/posts`, boris.token);
    expect(outcome(nobody)).toEqual([404, 'NOT_FOUND']);
  });

  it('is deleted by its author or an admin only, with all that hangs on it; reposts stay', async () => {
    const [admin] = await app.people('Админ');
    await app.rows(`UPDATE users SET role = 'admin' WHERE id = $1`, [admin.id]);
    const original = await post(anna);
    const copy = checked(await repost(boris, original.id, { content: 'см.' }), PostDto);
    const { id: comment_id } = await comment(vera, original.id);
    await comment(anna, original.id, 'Спасибо', comment_id);
    await like(vera, original.id);
    const remove = async (who: Account, id: string) =>
      outcome(await app.request('DELETE', `posts/${id}`, who.token));
    expect(await remove(boris, original.id)).toEqual([403, 'FORBIDDEN']);
    expect((await find(boris, original.id)).body).toMatchObject({
      likes_count: 1,
      comments_count: 2,
      reposts_count: 1,
    });
    expect(await remove(anna, original.id)).toEqual([204, undefined]);
    expect(await remove(anna, original.id)).toEqual([404, 'NOT_FOUND']);
    expect(outcome(await find(boris, original.id))).toEqual([404, 'NOT_FOUND']);
    for (const table of ['comments', 'post_likes'])
      expect(await app.rows(`SELECT FROM ${table} WHERE post_id = $1`, [original.id])).toEqual([]);
    expect((await find(vera, copy.id)).body).toMatchObject({
      content: 'см.',
      is_repost: true,
      repost_of: null,
    });
    // Of a repost of nothing there is nothing to repost.
    expect(outcome(await repost(vera, copy.id))).toEqual([404, 'NOT_FOUND']);
    expect(await remove(admin, copy.id)).toEqual([204, undefined]);
  });
});

describe('a like', () => {
  it('counts once, and is taken back once', async () => {
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

  it('is given and taken back in the order in which one user asks, also at once', async () => {
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

  it('of a post that is not there is not found, beside those that are', async () => {
    const { id } = await post(anna);
    const missing = randomUUID();
    const replies = await Promise.all([like(boris, missing), like(boris, id), like(vera, missing, 'DELETE')]);
    expect(replies.map(({ status }) => status)).toEqual([404, 200, 404]);
    expect(outcome(await like(boris, 'x'))).toEqual([400, 'INVALID_DATA']);
  });

  it('is promised to the author under one cause, however often it is taken back and given', async () => {
    const { id } = await post(anna);
    for (const method of ['PUT', 'PUT', 'DELETE', 'PUT']) await like(boris, id, method);
    await like(anna, id);
    const causes = (await told('post_liked')).filter(({ key }) => key.includes(id));
    expect(new Set(causes.map(({ key }) => key))).toEqual(new Set([`post_liked:${id}:${boris.id}`]));
    expect(causes[0]).toMatchObject({ to: [anna.id], data: { post_id: id, user_id: boris.id } });
  });

  it('of a thousand at once, taken back by some of them, is counted exactly', async () => {
    const { id } = await post(anna);
    const crowd = await app.people(...Array.from({ length: 20 }, (_, i) => `Толпа ${i}`));
    const methods = ['PUT', 'DELETE'];
    const replies = await Promise.all(
      Array.from({ length: 1000 }, (_, i) => like(crowd[i % 20]!, id, methods[(i + (i % 20)) % 2])),
    );
    expect(replies.filter(({ status }) => status !== 200)).toEqual([]);
    const stored = (await app.rows('SELECT FROM post_likes WHERE post_id = $1', [id])).length;
    expect((await find(boris, id)).body.likes_count).toBe(stored);
    await Promise.all(crowd.map((who, i) => like(who, id, i < 7 ? 'PUT' : 'DELETE')));
    expect((await find(boris, id)).body.likes_count).toBe(7);
    expect(await app.rows('SELECT FROM post_likes WHERE post_id = $1', [id])).toHaveLength(7);
  });
});

describe('a comment', () => {
  it('is listed in the order of writing, with the answers to it, page by page', async () => {
    const { id } = await post(anna);
    const first = await comment(boris, id, 'Один');
    expect(first).toEqual({
      id: expect.any(String),
      author_id: boris.id,
      author_name: 'Борис',
      author_avatar: null,
      content: 'Один',
      created_at: expect.any(String),
      parent_id: null,
    });
    const second = await comment(vera, id, 'Два');
    const answer = await comment(anna, id, 'Ответ', first.id);
    expect(answer.parent_id).toBe(first.id);
    expect((await comments(anna, id)).items).toEqual([first, second, answer]);
    const page = await comments(anna, id, 'limit=2');
    expect(page.items).toEqual([first, second]);
    expect(await comments(anna, id, `cursor=${page.next_cursor}`)).toEqual({
      items: [answer],
      next_cursor: null,
    });
    expect((await find(anna, id)).body.comments_count).toBe(3);
  });

  it('answers a comment of the same post that is no answer itself, or is refused', async () => {
    const { id } = await post(anna);
    const parent = await comment(boris, id);
    const answer = await comment(boris, id, 'Ответ', parent.id);
    const elsewhere = await comment(boris, (await post(anna)).id);
    for (const parent_id of [answer.id, elsewhere.id, randomUUID(), 'x', 1]) {
      const reply = await app.request<object>('POST', `posts/${id}/comments`, vera.token, {
        content: 'x',
        parent_id,
      });
      expect([outcome(reply), reply.body.details?.[0]?.field]).toEqual([[400, 'INVALID_DATA'], 'parent_id']);
    }
    expect((await find(anna, id)).body.comments_count).toBe(2);
    expect((await comments(anna, id)).items).toHaveLength(2);
  });

  it.each<[object, number, string]>([
    [{}, 400, 'INVALID_DATA'],
    [{ content: '' }, 400, 'INVALID_DATA'],
    [{ content: ' \n' }, 400, 'INVALID_DATA'],
    [{ content: 5 }, 400, 'INVALID_DATA'],
    [{ content: 'x'.repeat(4001) }, 413, 'MESSAGE_TOO_LARGE'],
  ])('with a wrong content is refused (%#)', async (body, status, code) => {
    const { id } = await post(anna);
    const reply = await app.request('POST', `posts/${id}/comments`, boris.token, body);
    expect(outcome(reply)).toEqual([status, code]);
    const unknown = await app.request('POST', `posts/${randomUUID()}/comments`, boris.token, {
      content: 'x',
    });
    expect(outcome(unknown)).toEqual([404, 'NOT_FOUND']);
    expect((await find(anna, id)).body.comments_count).toBe(0);
  });

  it('is deleted by who wrote it or whose post it is, with its answers, and counted no more', async () => {
    const { id } = await post(anna);
    const other = (await post(vera)).id;
    const [first, second] = [await comment(boris, id), await comment(boris, id)];
    for (const who of [anna, vera]) await comment(who, id, 'Ответ', first.id);
    const remove = async (who: Account, comment_id: string, postId = id) =>
      outcome(await app.request('DELETE', `posts/${postId}/comments/${comment_id}`, who.token));
    expect(await remove(vera, first.id)).toEqual([403, 'FORBIDDEN']);
    expect(await remove(vera, first.id, other)).toEqual([404, 'NOT_FOUND']);
    expect(await remove(vera, randomUUID())).toEqual([404, 'NOT_FOUND']);
    expect((await find(anna, id)).body.comments_count).toBe(4);
    expect(await remove(boris, first.id)).toEqual([204, undefined]);
    expect(await remove(boris, first.id)).toEqual([404, 'NOT_FOUND']);
    expect((await comments(anna, id)).items.map((left) => left.id)).toEqual([second.id]);
    expect((await find(anna, id)).body.comments_count).toBe(1);
    expect(await remove(anna, second.id)).toEqual([204, undefined]);
    expect((await find(anna, id)).body.comments_count).toBe(0);
  });

  it('is counted exactly while others are written, answered and deleted', async () => {
    const { id } = await post(anna);
    const parents = await Promise.all(Array.from({ length: 10 }, () => comment(boris, id)));
    const replies = await Promise.all(
      parents.flatMap((parent, i) => [
        ...Array.from({ length: 4 }, () =>
          app.request('POST', `posts/${id}/comments`, vera.token, { content: 'x', parent_id: parent.id }),
        ),
        ...(i % 2 ? [app.request('DELETE', `posts/${id}/comments/${parent.id}`, boris.token)] : []),
      ]),
    );
    expect(replies.filter(({ status }) => ![201, 204, 400].includes(status))).toEqual([]);
    const { items } = await comments(anna, id, 'limit=200');
    expect(items.length).toBeGreaterThanOrEqual(25);
    expect((await find(anna, id)).body.comments_count).toBe(items.length);
  });

  it('is promised to the post’s author once, also when it names them', async () => {
    const { id, author } = await post(anna);
    const { id: comment_id } = await comment(boris, id, `Спасибо, @${author.handle}!`);
    await comment(anna, id, 'Пожалуйста');
    expect(
      (await told('post_commented')).filter(({ data }) => 'post_id' in data && data.post_id === id),
    ).toEqual([
      {
        type: 'post_commented',
        key: `post_commented:${comment_id}`,
        actorId: boris.id,
        data: { post_id: id, comment_id, user_id: boris.id },
        to: [anna.id],
      },
    ]);
    expect((await told('mention')).filter(({ key }) => key.includes(comment_id))).toEqual([]);
  });
});

describe('a repost', () => {
  it('shows the original, once for each who reposts it', async () => {
    const original = await post(anna, 'Оригинал');
    const copy = checked(await repost(boris, original.id, { content: 'Смотрите' }), PostDto);
    expect(copy).toMatchObject({ content: 'Смотрите', is_repost: true, media_urls: [] });
    expect(copy.repost_of).toEqual({ ...original, reposts_count: 1 });
    expect(outcome(await repost(boris, original.id))).toEqual([409, 'CONFLICT']);
    expect((await find(anna, original.id)).body.reposts_count).toBe(1);
    // A repost of the repost leads to the same original.
    const second = checked(await repost(vera, copy.id), PostDto);
    expect(second.repost_of!.id).toBe(original.id);
    expect(outcome(await repost(vera, original.id))).toEqual([409, 'CONFLICT']);
    expect((await find(anna, original.id)).body.reposts_count).toBe(2);
    expect((await told('post_reposted')).slice(-2).map(({ key, to }) => [key, to])).toEqual([
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

  it('of nothing is not found', async () => {
    expect(outcome(await repost(boris, randomUUID()))).toEqual([404, 'NOT_FOUND']);
    expect(outcome(await repost(boris, (await post(anna)).id, { content: 'x'.repeat(4001) }))).toEqual([
      413,
      'MESSAGE_TOO_LARGE',
    ]);
  });
});
