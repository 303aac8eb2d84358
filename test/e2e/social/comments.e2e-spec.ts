import type { Account } from '#testing';
import { randomUUID } from 'node:crypto';
import { outcome, useSocial } from './scene.js';

const scene = useSocial('for all tests');
const { comment, comments, find, post, received } = scene;

describe('a comment', () => {
  it('is listed in order, with its replies, in pages', async () => {
    const { id } = await post(scene.anna);
    const first = await comment(scene.boris, id, 'Один');
    expect(first).toEqual({
      id: expect.any(String),
      author_id: scene.boris.id,
      author_name: 'Борис',
      author_avatar: null,
      content: 'Один',
      created_at: expect.any(String),
      parent_id: null,
    });
    const second = await comment(scene.vera, id, 'Два');
    const answer = await comment(scene.anna, id, 'Ответ', first.id);
    expect(answer.parent_id).toBe(first.id);
    expect((await comments(scene.anna, id)).items).toEqual([first, second, answer]);
    const page = await comments(scene.anna, id, 'limit=2');
    expect(page.items).toEqual([first, second]);
    expect(await comments(scene.anna, id, `cursor=${page.next_cursor}`)).toEqual({
      items: [answer],
      next_cursor: null,
    });
    expect((await find(scene.anna, id)).body.comments_count).toBe(3);
  });

  it('can reply only to a top-level comment of the same post', async () => {
    const { id } = await post(scene.anna);
    const parent = await comment(scene.boris, id);
    const answer = await comment(scene.boris, id, 'Ответ', parent.id);
    const elsewhere = await comment(scene.boris, (await post(scene.anna)).id);
    for (const parent_id of [answer.id, elsewhere.id, randomUUID(), 'x', 1]) {
      const reply = await scene.app.request<object>('POST', `posts/${id}/comments`, scene.vera.token, {
        content: 'x',
        parent_id,
      });
      expect([outcome(reply), reply.body.details?.[0]?.field]).toEqual([[400, 'INVALID_DATA'], 'parent_id']);
    }
    expect((await find(scene.anna, id)).body.comments_count).toBe(2);
    expect((await comments(scene.anna, id)).items).toHaveLength(2);
  });

  it.each<[object, number, string]>([
    [{}, 400, 'INVALID_DATA'],
    [{ content: '' }, 400, 'INVALID_DATA'],
    [{ content: ' \n' }, 400, 'INVALID_DATA'],
    [{ content: 5 }, 400, 'INVALID_DATA'],
    [{ content: 'x'.repeat(4001) }, 413, 'MESSAGE_TOO_LARGE'],
  ])('with wrong content is refused (%#)', async (body, status, code) => {
    const { id } = await post(scene.anna);
    const reply = await scene.app.request('POST', `posts/${id}/comments`, scene.boris.token, body);
    expect(outcome(reply)).toEqual([status, code]);
    const unknown = await scene.app.request('POST', `posts/${randomUUID()}/comments`, scene.boris.token, {
      content: 'x',
    });
    expect(outcome(unknown)).toEqual([404, 'NOT_FOUND']);
    expect((await find(scene.anna, id)).body.comments_count).toBe(0);
  });

  it('is deleted by its author or the post’s author, with its replies, and is not counted any more', async () => {
    const { id } = await post(scene.anna);
    const other = (await post(scene.vera)).id;
    const [first, second] = [await comment(scene.boris, id), await comment(scene.boris, id)];
    for (const who of [scene.anna, scene.vera]) await comment(who, id, 'Ответ', first.id);
    const remove = async (who: Account, comment_id: string, postId = id) =>
      outcome(await scene.app.request('DELETE', `posts/${postId}/comments/${comment_id}`, who.token));
    expect(await remove(scene.vera, first.id)).toEqual([403, 'FORBIDDEN']);
    expect(await remove(scene.vera, first.id, other)).toEqual([404, 'NOT_FOUND']);
    expect(await remove(scene.vera, randomUUID())).toEqual([404, 'NOT_FOUND']);
    expect((await find(scene.anna, id)).body.comments_count).toBe(4);
    expect(await remove(scene.boris, first.id)).toEqual([204, undefined]);
    expect(await remove(scene.boris, first.id)).toEqual([404, 'NOT_FOUND']);
    expect((await comments(scene.anna, id)).items.map((left) => left.id)).toEqual([second.id]);
    expect((await find(scene.anna, id)).body.comments_count).toBe(1);
    expect(await remove(scene.anna, second.id)).toEqual([204, undefined]);
    expect((await find(scene.anna, id)).body.comments_count).toBe(0);
  });

  it('is counted exactly while others are written, answered and deleted', async () => {
    const { id } = await post(scene.anna);
    const parents = await Promise.all(Array.from({ length: 10 }, () => comment(scene.boris, id)));
    const replies = await Promise.all(
      parents.flatMap((parent, i) => [
        ...Array.from({ length: 4 }, () =>
          scene.app.request('POST', `posts/${id}/comments`, scene.vera.token, {
            content: 'x',
            parent_id: parent.id,
          }),
        ),
        ...(i % 2
          ? [scene.app.request('DELETE', `posts/${id}/comments/${parent.id}`, scene.boris.token)]
          : []),
      ]),
    );
    expect(replies.filter(({ status }) => ![201, 204, 400].includes(status))).toEqual([]);
    const { items } = await comments(scene.anna, id, 'limit=200');
    expect(items.length).toBeGreaterThanOrEqual(25);
    expect((await find(scene.anna, id)).body.comments_count).toBe(items.length);
  });

  it('notifies the post’s author once, also when it mentions them', async () => {
    const { id, author } = await post(scene.anna);
    const { id: comment_id } = await comment(scene.boris, id, `Спасибо, @${author.handle}!`);
    await comment(scene.anna, id, 'Пожалуйста');
    expect(
      (await received('post_commented')).filter(({ data }) => 'post_id' in data && data.post_id === id),
    ).toEqual([
      {
        type: 'post_commented',
        key: `post_commented:${comment_id}`,
        actorId: scene.boris.id,
        data: { post_id: id, comment_id, user_id: scene.boris.id },
        fallback: { type: 'mention', data: { post_id: id, comment_id, user_id: scene.boris.id } },
        to: [scene.anna.id],
      },
    ]);
    expect((await received('mention')).filter(({ key }) => key.includes(comment_id))).toEqual([]);
  });
});
