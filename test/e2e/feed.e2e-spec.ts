import type { PostDto, PostPage } from '#contracts';
import { promised, rememberPromises, TestApp, type Account } from '#testing';
import { randomUUID } from 'node:crypto';

let app: TestApp;
let anna: Account;
let boris: Account;
let vera: Account;
let gleb: Account;
beforeAll(async () => {
  app = await TestApp.start();
  await rememberPromises(app);
});
beforeEach(async () => {
  [anna, boris, vera, gleb] = await app.people('Анна', 'Борис', 'Вера', 'Глеб');
});
afterAll(() => app.stop());

const post = async (author: Account, content = 'Привет') =>
  (await app.request<PostDto>('POST', 'posts', author.token, { content })).body;
const follow = async (who: Account, whom: { id: string }, method = 'PUT') => {
  const { status, body } = await app.request(method, `users/${whom.id}/follow`, who.token);
  return [status, body.code];
};
const befriend = async (one: Account, other: Account) => {
  const { body } = await app.request<{ id: string }>('POST', 'friends/requests', one.token, {
    user_id: other.id,
  });
  await app.request('POST', `friends/requests/${body.id}/accept`, other.token);
};
const feed = async (reader: Account, query = '') =>
  (await app.request<PostPage>('GET', `feed?${query}`, reader.token)).body;
const feedIds = async (reader: Account) => (await feed(reader)).items.map(({ id }) => id);

describe('the feed', () => {
  it('has the posts of followed users, of friends and one’s own, newest first, each once', async () => {
    await follow(anna, boris);
    await befriend(anna, boris);
    await befriend(vera, anna);
    const written: string[] = [];
    for (const author of [boris, vera, anna, gleb, boris]) {
      const { id } = await post(author);
      if (author !== gleb) written.unshift(id);
    }
    expect(await feedIds(anna)).toEqual(written);
    // A follow has one direction, a friendship two.
    expect(await feedIds(boris)).toEqual(written.filter((_, i) => i !== 2));
    expect(await feedIds(gleb)).toHaveLength(1);
    await follow(anna, boris, 'DELETE');
    expect(await feedIds(anna)).toEqual(written);
    expect((await app.request('DELETE', `friends/${anna.id}`, boris.token)).status).toBe(204);
    expect(await feedIds(anna)).toEqual([written[1], written[2]]);
  });

  it('is paged without a gap or a duplicate while new posts are written', async () => {
    await Promise.all([boris, vera, gleb].map((author) => follow(anna, author)));
    const written: string[] = [];
    // One author has more than a page, so pages have several authors or one.
    for (const author of [boris, vera, boris, boris, boris, gleb, boris, vera, boris, boris, anna])
      written.unshift((await post(author)).id);
    for (const limit of [1, 2, 3, 10, 11]) {
      const seen: string[] = [];
      let cursor: string | null = null;
      do {
        const page: PostPage = await feed(anna, `limit=${limit}${cursor ? `&cursor=${cursor}` : ''}`);
        expect(page.items.length).toBeLessThanOrEqual(limit);
        seen.push(...page.items.map(({ id }) => id));
        cursor = page.next_cursor;
        if (seen.length === 2) await post(gleb);
      } while (cursor);
      expect(seen.filter((id) => written.includes(id))).toEqual(written);
      expect(new Set(seen).size).toBe(seen.length);
    }
    for (const bad of ['cursor=x', 'cursor=WyJ4Il0', 'limit=0', 'limit=201', 'limit=x'])
      expect(await feed(anna, bad)).toMatchObject({ code: 'INVALID_DATA' });
  });

  it('hides the posts of banned users', async () => {
    await follow(anna, boris);
    const { id } = await post(boris);
    await post(vera);
    await app.rows('UPDATE users SET banned_at = now() WHERE id = $1', [boris.id]);
    expect(await feedIds(anna)).toEqual([]);
    expect((await app.request('GET', `posts/${id}`, anna.token)).status).toBe(404);
  });
});

describe('following', () => {
  it('is idempotent, and refused for oneself', async () => {
    expect(await follow(anna, boris)).toEqual([204, undefined]);
    expect(await follow(anna, boris)).toEqual([204, undefined]);
    expect(await app.rows('SELECT FROM follows WHERE follower_id = $1', [anna.id])).toHaveLength(1);
    expect(await follow(anna, boris, 'DELETE')).toEqual([204, undefined]);
    expect(await follow(anna, boris, 'DELETE')).toEqual([204, undefined]);
    expect(await follow(anna, anna)).toEqual([400, 'INVALID_DATA']);
    expect(await follow(anna, { id: randomUUID() })).toEqual([404, 'NOT_FOUND']);
    expect(await follow(anna, { id: 'x' })).toEqual([400, 'INVALID_DATA']);
    expect(await app.rows('SELECT FROM follows WHERE follower_id = $1', [anna.id])).toEqual([]);
  });

  it('is limited to 5,000 people, also when many requests arrive at once', async () => {
    const manyPeople = await app.manyPeople(5003);
    await app.rows(
      `INSERT INTO follows (follower_id, followee_id) SELECT $1, id FROM unnest($2::uuid[]) AS u(id)`,
      [anna.id, manyPeople.slice(0, 4998)],
    );
    const outcomes = await Promise.all(manyPeople.slice(4998).map((id) => follow(anna, { id })));
    expect(outcomes.map(([status]) => Number(status)).sort((a, b) => a - b)).toEqual([
      204, 204, 409, 409, 409,
    ]);
    expect((await feed(anna)).items).toEqual([]);
  });
});

describe('a like, live', () => {
  const like = (who: Account, { id }: PostDto, method = 'PUT') =>
    app.request(method, `posts/${id}/like`, who.token);

  it('reaches the author and the followers of author and liker, once, and nobody else', async () => {
    const [dima, egor] = await app.people('Дима', 'Егор');
    await follow(vera, anna);
    const [annaDevice, veraDevice, glebDevice, dimaDevice, egorDevice] = await app.devices(
      anna,
      vera,
      gleb,
      dima,
      egor,
    );
    // Also users who follow only now.
    await follow(gleb, boris);
    await follow(egor, boris);
    await follow(egor, anna);
    await follow(dima, boris);
    await follow(dima, boris, 'DELETE');
    const liked = await post(anna);
    await like(boris, liked);
    const event = { post_id: liked.id, user_id: boris.id, user_name: 'Борис', likes_count: 1 };
    for (const device of [annaDevice, veraDevice, glebDevice, egorDevice])
      expect(await device.next('post:liked')).toEqual(event);
    // A repeated like publishes nothing. Its removal reaches the same devices.
    await like(boris, liked);
    await like(boris, liked, 'DELETE');
    const takenBack = { ...event, likes_count: 0, liked: false };
    for (const device of [annaDevice, veraDevice, glebDevice, egorDevice])
      expect(await device.next('post:liked', ({ liked }) => liked === false)).toEqual(takenBack);
    await follow(gleb, boris, 'DELETE');
    await like(vera, liked);
    await annaDevice.next('post:liked', ({ user_id }) => user_id === vera.id);
    const counts = [];
    for (const device of [annaDevice, veraDevice, glebDevice, egorDevice, dimaDevice]) {
      await device.settled();
      counts.push(device.all('post:liked').length);
    }
    expect(counts).toEqual([3, 3, 2, 3, 0]);
  });

  it('does not cross a block with the liker or the author', async () => {
    // Both follow the author. The liker blocks one before the connection and one during it.
    await Promise.all([follow(vera, anna), follow(gleb, anna)]);
    await app.request('PUT', `users/${vera.id}/block`, boris.token);
    const [annaDevice, veraDevice, glebDevice] = await app.devices(anna, vera, gleb);
    await app.request('PUT', `users/${boris.id}/block`, gleb.token);
    const liked = await post(anna);
    await like(boris, liked);
    await annaDevice.next('post:liked');
    for (const device of [veraDevice, glebDevice]) {
      await device.settled();
      expect(device.all('post:liked')).toEqual([]);
    }
    await app.request('DELETE', `users/${boris.id}/block`, gleb.token);
    await like(boris, await post(anna));
    await glebDevice.next('post:liked');
  });
});

it('a comment reaches only the post’s author', async () => {
  await follow(vera, anna);
  await follow(vera, boris);
  const [annaDevice, tablet, veraDevice] = await app.devices(anna, anna, vera);
  const { id } = await post(anna);
  const { body: comment } = await app.request<object>('POST', `posts/${id}/comments`, boris.token, {
    content: 'Класс',
  });
  for (const device of [annaDevice, tablet])
    expect(await device.next('post:commented')).toEqual({ post_id: id, comment, comments_count: 1 });
  await veraDevice.settled();
  expect(veraDevice.all('post:commented')).toEqual([]);
});

describe('a mention', () => {
  const handleOf = async ({ id }: Account) =>
    (await app.rows<{ handle: string }>('SELECT handle FROM users WHERE id = $1', [id]))[0]!.handle;

  it('in a post, comment or repost notifies the mentioned users, but not the writer or users across a block', async () => {
    const [a, b, v, g] = await Promise.all([anna, boris, vera, gleb].map(handleOf));
    const [dima] = await app.people('Дима');
    const d = await handleOf(dima);
    // Blocked by the writer, or by the author of the post.
    await app.request('PUT', `users/${anna.id}/block`, gleb.token);
    await app.request('PUT', `users/${dima.id}/block`, boris.token);
    const text = `@${a!.toUpperCase()} @${b} @${v}, @${g} @${d} @nobody_at_all`;
    const { id } = await post(anna, text);
    const under = await post(boris);
    const { body: comment } = await app.request<{ id: string }>(
      'POST',
      `posts/${under.id}/comments`,
      anna.token,
      {
        content: text,
      },
    );
    const { body: repost } = await app.request<PostDto>('POST', `posts/${under.id}/repost`, anna.token, {
      content: text,
    });
    const mentions = (await promised(app, 'mention')).slice(-3);
    const user_id = anna.id;
    expect(mentions.map(({ key, data, to }) => [key, data, new Set(to)])).toEqual([
      [`mention:${id}`, { post_id: id, comment_id: null, user_id }, new Set([boris.id, vera.id, dima.id])],
      // Boris is notified of these two as the author of their post.
      [`mention:${comment.id}`, { post_id: under.id, comment_id: comment.id, user_id }, new Set([vera.id])],
      [
        `mention:${repost.id}`,
        { post_id: repost.id, comment_id: null, user_id },
        new Set([vera.id, dima.id]),
      ],
    ]);
  });
});

describe('an announcement', () => {
  const announce = (who: Account, body: object) =>
    app.request<PostDto>('POST', 'admin/announcements', who.token, body);

  it('is an admin’s post that notifies everybody', async () => {
    const refused = await announce(anna, { content: 'Всем!' });
    expect([refused.status, refused.body.code]).toEqual([403, 'FORBIDDEN']);
    await app.rows(`UPDATE users SET role = 'admin' WHERE id = $1`, [anna.id]);
    expect((await announce(anna, { content: '' })).status).toBe(400);
    const { status, body } = await announce(anna, { content: 'Всем!' });
    expect([status, body.content]).toEqual([201, 'Всем!']);
    expect((await app.request('GET', `posts/${body.id}`, boris.token)).status).toBe(200);
    const jobs = await app.rows(`SELECT data FROM promised WHERE name = 'notify-everyone'`);
    const data = { post_id: body.id, comment_id: null, user_id: anna.id, announcement: true };
    expect(jobs).toEqual([
      { data: { cause: { type: 'mention', key: `mention:${body.id}`, actorId: anna.id, data } } },
    ]);
  });
});
