import type {
  BlockedPage,
  CommentDto,
  CommentPage,
  FriendPage,
  PostDto,
  PostPage,
  UserPage,
} from '#contracts';
import { promised, text, type Account } from '#testing';
import { randomUUID } from 'node:crypto';
import { useSocial } from './scene.js';

const scene = useSocial('for each test');

const block = async (who: Account, whom: { id: string }, method = 'PUT') =>
  (await scene.app.request(method, `users/${whom.id}/block`, who.token)).status;
const ask = async <T>(who: Account, route: string, body?: object) => {
  const [method, path] = route.split(' ') as [string, string];
  return (await scene.app.request<T>(method, path, who.token, body)).body;
};
const code = async (who: Account, route: string, body?: object) => (await ask(who, route, body)).code;
const post = (author: Account, content = 'Привет') => ask<PostDto>(author, 'POST posts', { content });

// A block works in both directions.
describe.each(['by the one', 'by the other'])('a block %s', (by) => {
  let reader: Account;
  let author: Account;
  beforeEach(
    () => ([reader, author] = by === 'by the one' ? [scene.anna, scene.boris] : [scene.boris, scene.anna]),
  );

  it('hides the other and everything they write', async () => {
    const theirs = await post(author);
    const shared = await post(scene.vera);
    const comment = await ask<CommentDto>(author, `POST posts/${shared.id}/comments`, { content: 'x' });
    const repost = await ask<PostDto>(scene.vera, `POST posts/${theirs.id}/repost`, { content: 'см.' });
    await ask(reader, `PUT users/${scene.vera.id}/follow`);
    await block(scene.anna, scene.boris);
    const gone: [string, object?][] = [
      [`GET users/${author.id}`],
      [`GET users/${author.id}/posts`],
      [`PUT users/${author.id}/follow`],
      ['POST friends/requests', { user_id: author.id }],
      [`GET posts/${theirs.id}`],
      [`DELETE posts/${theirs.id}`],
      [`PUT posts/${theirs.id}/like`],
      [`DELETE posts/${theirs.id}/like`],
      [`POST posts/${theirs.id}/repost`, {}],
      [`POST posts/${repost.id}/repost`, {}],
      [`GET posts/${theirs.id}/comments`],
      [`POST posts/${theirs.id}/comments`, { content: 'x' }],
      [`DELETE posts/${theirs.id}/comments/${randomUUID()}`],
      [`DELETE posts/${shared.id}/comments/${comment.id}`],
    ];
    for (const [route, body] of gone)
      expect([route, await code(reader, route, body)]).toEqual([route, 'NOT_FOUND']);
    const reply = { content: 'x', parent_id: comment.id };
    expect(await code(reader, `POST posts/${shared.id}/comments`, reply)).toBe('INVALID_DATA');
    expect((await ask<CommentPage>(reader, `GET posts/${shared.id}/comments`)).items).toEqual([]);
    expect((await ask<CommentPage>(scene.vera, `GET posts/${shared.id}/comments`)).items).toHaveLength(1);
    const [seen] = (await ask<PostPage>(reader, 'GET feed')).items;
    expect(seen).toMatchObject({ id: repost.id, is_repost: true, repost_of: null });
    const found = (await ask<UserPage>(reader, 'GET users?limit=200')).items.map(({ id }) => id);
    expect([found.includes(author.id), found.includes(scene.vera.id)]).toEqual([false, true]);
    // The refused requests changed nothing.
    expect((await ask<PostDto>(author, `GET posts/${theirs.id}`)).likes_count).toBe(0);
    expect(await scene.app.rows('SELECT FROM follows WHERE followee_id = $1', [author.id])).toEqual([]);
  });

  it('closes their chat, and allows no new one', async () => {
    const chat = await scene.app.chat(scene.anna, scene.boris);
    const [device] = await scene.app.devices(reader);
    await block(scene.anna, scene.boris);
    const direct = { type: 'direct', participant_ids: [author.id] };
    expect(await code(reader, 'POST chats', direct)).toBe('NOT_FOUND');
    expect((await device.send('chat:get', { recipient_id: author.id })).code).toBe('NOT_FOUND');
    expect((await device.send('chat:typing', { chat_id: chat.id, is_typing: true })).code).toBe('FORBIDDEN');
    const group = { type: 'group', participant_ids: [scene.vera.id, author.id] };
    expect(await code(reader, 'POST chats', group)).toBe('NOT_FOUND');
    const mine = await scene.app.group(reader, scene.vera);
    expect(await code(reader, `POST chats/${mine.id}/members`, { user_ids: [author.id] })).toBe('NOT_FOUND');
    // Old messages stay readable.
    expect(await code(reader, `GET chats/${chat.id}/messages`)).toBeUndefined();
    const [stored] = await scene.app.rows('SELECT blocked FROM chats WHERE id = $1', [chat.id]);
    expect(stored).toEqual({ blocked: true });
  });

  it('hides their presence', async () => {
    const [device, other] = await scene.app.devices(reader, scene.vera);
    await device.send('presence:watch', { user_ids: [author.id] });
    await block(scene.anna, scene.boris);
    const theirs = await scene.app.device(author);
    await other.next('user:online', ({ user_id }) => user_id === author.id);
    theirs.close();
    await other.next('user:offline', ({ user_id }) => user_id === author.id);
    await device.settled();
    expect(
      device.received.filter(({ payload }) => (payload as { user_id?: string }).user_id === author.id),
    ).toEqual([]);
    const back = await scene.app.device(author);
    const { items } = await device.send('presence:get', { user_ids: [author.id, reader.id] });
    expect(items).toMatchObject([{ user_id: author.id, online: false, last_seen: null }, { online: true }]);
    const rest = await ask(reader, `GET presence?user_ids=${author.id}`);
    expect(rest).toMatchObject({ items: [{ online: false, last_seen: null }] });
    back.close();
  });
});

it('a block ends follows, friendship and open requests of both, and an unblock restores none', async () => {
  await Promise.all([
    ask(scene.anna, `PUT users/${scene.boris.id}/follow`),
    ask(scene.boris, `PUT users/${scene.anna.id}/follow`),
  ]);
  const { id } = await ask<{ id: string }>(scene.anna, 'POST friends/requests', { user_id: scene.boris.id });
  await ask(scene.boris, `POST friends/requests/${id}/accept`);
  const { id: open } = await ask<{ id: string }>(scene.vera, 'POST friends/requests', {
    user_id: scene.anna.id,
  });
  expect([await block(scene.anna, scene.boris), await block(scene.anna, scene.vera)]).toEqual([204, 204]);
  expect(await code(scene.anna, `POST friends/requests/${open}/accept`)).toBe('NOT_FOUND');
  for (const method of ['PUT', 'DELETE', 'DELETE'])
    expect(await block(scene.anna, scene.boris, method)).toBe(204);
  for (const who of [scene.anna, scene.boris])
    expect((await ask<FriendPage>(who, 'GET friends')).items).toEqual([]);
  for (const table of [
    'follows WHERE $1 IN (follower_id, followee_id)',
    'friends WHERE $1 IN (user_id, friend_id)',
  ])
    expect(await scene.app.rows(`SELECT FROM ${table}`, [scene.anna.id])).toEqual([]);
  expect(await code(scene.boris, `PUT users/${scene.anna.id}/follow`)).toBeUndefined();
});

it('a blocker finds the blocked user in the list of blocked users, and only there', async () => {
  await block(scene.anna, scene.boris);
  await block(scene.anna, scene.vera);
  const page = await ask<BlockedPage>(scene.anna, 'GET users/me/blocked?limit=1');
  const rest = await ask<BlockedPage>(scene.anna, `GET users/me/blocked?cursor=${page.next_cursor}`);
  const ids = [...page.items, ...rest.items].map(({ id }) => id);
  expect([ids, rest.next_cursor]).toEqual([[scene.boris.id, scene.vera.id].sort(), null]);
  expect((await ask<BlockedPage>(scene.boris, 'GET users/me/blocked')).items).toEqual([]);
  await scene.app.rows('UPDATE users SET banned_at = now() WHERE id = $1', [scene.boris.id]);
  expect((await ask<BlockedPage>(scene.anna, 'GET users/me/blocked')).items).toMatchObject([
    { id: scene.vera.id },
  ]);
});

it('a chat opens again when neither side blocks any more', async () => {
  const chat = await scene.app.chat(scene.anna, scene.boris);
  const blocked = async () =>
    (await scene.app.rows<{ blocked: boolean }>('SELECT blocked FROM chats WHERE id = $1', [chat.id]))[0]!
      .blocked;
  await Promise.all([block(scene.anna, scene.boris), block(scene.boris, scene.anna)]);
  await block(scene.anna, scene.boris, 'DELETE');
  expect(await blocked()).toBe(true);
  expect(await code(scene.boris, 'POST chats', { type: 'direct', participant_ids: [scene.anna.id] })).toBe(
    'NOT_FOUND',
  );
  await block(scene.boris, scene.anna, 'DELETE');
  expect(await blocked()).toBe(false);
  const [device] = await scene.app.devices(scene.anna);
  expect((await device.send('chat:message:send', text(chat))).status).toBe('sent');
  expect((await device.send('chat:typing', { chat_id: chat.id, is_typing: true })).status).toBe('ok');
});

it('a block of oneself or of an unknown user is refused', async () => {
  expect(await block(scene.anna, scene.anna)).toBe(400);
  expect(await block(scene.anna, { id: randomUUID() })).toBe(404);
  expect(await block(scene.anna, { id: 'x' })).toBe(400);
  expect(await block(scene.anna, { id: randomUUID() }, 'DELETE')).toBe(204);
});

it('a block leaves no relationship between the two, whatever happens at the same moment', async () => {
  for (let round = 0; round < 10; round++) {
    const [a, b] = await scene.app.people('А', 'Б');
    const { id } = await ask<{ id: string }>(a, 'POST friends/requests', { user_id: b.id });
    await Promise.all([
      ask(a, `PUT users/${b.id}/follow`),
      ask(b, `POST friends/requests/${id}/accept`),
      ask(b, 'POST chats', { type: 'direct', participant_ids: [a.id] }),
      block(a, b),
      ask(b, `PUT users/${a.id}/follow`),
      ask(b, 'POST friends/requests', { user_id: a.id }),
    ]);
    const left = await scene.app.rows(
      `SELECT 1 FROM follows WHERE follower_id = ANY($1) UNION ALL SELECT 2 FROM friends WHERE user_id = ANY($1)
       UNION ALL SELECT 3 FROM friend_requests WHERE from_id = ANY($1) AND status = 'pending'
       UNION ALL SELECT 4 FROM chats JOIN chat_members m ON m.chat_id = id WHERE user_id = ANY($1) AND NOT blocked`,
      [[a.id, b.id]],
    );
    expect(left).toEqual([]);
  }
});

it('no notification crosses a block', async () => {
  const handle = (await ask<{ handle: string }>(scene.boris, 'GET users/me')).handle;
  await block(scene.boris, scene.anna);
  await post(scene.anna, `@${handle}`);
  expect((await promised(scene.app, 'mention')).filter(({ actorId }) => actorId === scene.anna.id)).toEqual(
    [],
  );
});
