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
import { anna, app, boris, setScene, vera } from './scene.js';

setScene('for each test');

const block = async (who: Account, whom: { id: string }, method = 'PUT') =>
  (await app.request(method, `users/${whom.id}/block`, who.token)).status;
const ask = async <T>(who: Account, route: string, body?: object) => {
  const [method, path] = route.split(' ') as [string, string];
  return (await app.request<T>(method, path, who.token, body)).body;
};
const code = async (who: Account, route: string, body?: object) => (await ask(who, route, body)).code;
const post = (author: Account, content = 'Привет') => ask<PostDto>(author, 'POST posts', { content });

// A block works in both directions.
describe.each(['by the one', 'by the other'])('a block %s', (by) => {
  let reader: Account;
  let author: Account;
  beforeEach(() => ([reader, author] = by === 'by the one' ? [anna, boris] : [boris, anna]));

  it('hides the other and everything they write', async () => {
    const theirs = await post(author);
    const shared = await post(vera);
    const comment = await ask<CommentDto>(author, `POST posts/${shared.id}/comments`, { content: 'x' });
    const repost = await ask<PostDto>(vera, `POST posts/${theirs.id}/repost`, { content: 'см.' });
    await ask(reader, `PUT users/${vera.id}/follow`);
    await block(anna, boris);
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
    expect((await ask<CommentPage>(vera, `GET posts/${shared.id}/comments`)).items).toHaveLength(1);
    const [seen] = (await ask<PostPage>(reader, 'GET feed')).items;
    expect(seen).toMatchObject({ id: repost.id, is_repost: true, repost_of: null });
    const found = (await ask<UserPage>(reader, 'GET users?limit=200')).items.map(({ id }) => id);
    expect([found.includes(author.id), found.includes(vera.id)]).toEqual([false, true]);
    // The refused requests changed nothing.
    expect((await ask<PostDto>(author, `GET posts/${theirs.id}`)).likes_count).toBe(0);
    expect(await app.rows('SELECT FROM follows WHERE followee_id = $1', [author.id])).toEqual([]);
  });

  it('closes their chat, and allows no new one', async () => {
    const chat = await app.chat(anna, boris);
    const [device] = await app.devices(reader);
    await block(anna, boris);
    const direct = { type: 'direct', participant_ids: [author.id] };
    expect(await code(reader, 'POST chats', direct)).toBe('NOT_FOUND');
    expect((await device.send('chat:get', { recipient_id: author.id })).code).toBe('NOT_FOUND');
    expect((await device.send('chat:typing', { chat_id: chat.id, is_typing: true })).code).toBe('FORBIDDEN');
    const group = { type: 'group', participant_ids: [vera.id, author.id] };
    expect(await code(reader, 'POST chats', group)).toBe('NOT_FOUND');
    const mine = await app.group(reader, vera);
    expect(await code(reader, `POST chats/${mine.id}/members`, { user_ids: [author.id] })).toBe('NOT_FOUND');
    // Old messages stay readable.
    expect(await code(reader, `GET chats/${chat.id}/messages`)).toBeUndefined();
    const [stored] = await app.rows('SELECT blocked FROM chats WHERE id = $1', [chat.id]);
    expect(stored).toEqual({ blocked: true });
  });

  it('hides their presence', async () => {
    const [device, other] = await app.devices(reader, vera);
    await device.send('presence:watch', { user_ids: [author.id] });
    await block(anna, boris);
    const theirs = await app.device(author);
    await other.next('user:online', ({ user_id }) => user_id === author.id);
    theirs.close();
    await other.next('user:offline', ({ user_id }) => user_id === author.id);
    await device.settled();
    expect(
      device.received.filter(({ payload }) => (payload as { user_id?: string }).user_id === author.id),
    ).toEqual([]);
    const back = await app.device(author);
    const { items } = await device.send('presence:get', { user_ids: [author.id, reader.id] });
    expect(items).toMatchObject([{ user_id: author.id, online: false, last_seen: null }, { online: true }]);
    const rest = await ask(reader, `GET presence?user_ids=${author.id}`);
    expect(rest).toMatchObject({ items: [{ online: false, last_seen: null }] });
    back.close();
  });
});

it('a block ends follows, friendship and open requests of both, and an unblock restores none', async () => {
  await Promise.all([ask(anna, `PUT users/${boris.id}/follow`), ask(boris, `PUT users/${anna.id}/follow`)]);
  const { id } = await ask<{ id: string }>(anna, 'POST friends/requests', { user_id: boris.id });
  await ask(boris, `POST friends/requests/${id}/accept`);
  const { id: open } = await ask<{ id: string }>(vera, 'POST friends/requests', { user_id: anna.id });
  expect([await block(anna, boris), await block(anna, vera)]).toEqual([204, 204]);
  expect(await code(anna, `POST friends/requests/${open}/accept`)).toBe('NOT_FOUND');
  for (const method of ['PUT', 'DELETE', 'DELETE']) expect(await block(anna, boris, method)).toBe(204);
  for (const who of [anna, boris]) expect((await ask<FriendPage>(who, 'GET friends')).items).toEqual([]);
  for (const table of [
    'follows WHERE $1 IN (follower_id, followee_id)',
    'friends WHERE $1 IN (user_id, friend_id)',
  ])
    expect(await app.rows(`SELECT FROM ${table}`, [anna.id])).toEqual([]);
  expect(await code(boris, `PUT users/${anna.id}/follow`)).toBeUndefined();
});

it('a blocker finds the blocked user in the list of blocked users, and only there', async () => {
  await block(anna, boris);
  await block(anna, vera);
  const page = await ask<BlockedPage>(anna, 'GET users/me/blocked?limit=1');
  const rest = await ask<BlockedPage>(anna, `GET users/me/blocked?cursor=${page.next_cursor}`);
  const ids = [...page.items, ...rest.items].map(({ id }) => id);
  expect([ids, rest.next_cursor]).toEqual([[boris.id, vera.id].sort(), null]);
  expect((await ask<BlockedPage>(boris, 'GET users/me/blocked')).items).toEqual([]);
  await app.rows('UPDATE users SET banned_at = now() WHERE id = $1', [boris.id]);
  expect((await ask<BlockedPage>(anna, 'GET users/me/blocked')).items).toMatchObject([{ id: vera.id }]);
});

it('a chat opens again when neither side blocks any more', async () => {
  const chat = await app.chat(anna, boris);
  const blocked = async () =>
    (await app.rows<{ blocked: boolean }>('SELECT blocked FROM chats WHERE id = $1', [chat.id]))[0]!.blocked;
  await Promise.all([block(anna, boris), block(boris, anna)]);
  await block(anna, boris, 'DELETE');
  expect(await blocked()).toBe(true);
  expect(await code(boris, 'POST chats', { type: 'direct', participant_ids: [anna.id] })).toBe('NOT_FOUND');
  await block(boris, anna, 'DELETE');
  expect(await blocked()).toBe(false);
  const [device] = await app.devices(anna);
  expect((await device.send('chat:message:send', text(chat))).status).toBe('sent');
  expect((await device.send('chat:typing', { chat_id: chat.id, is_typing: true })).status).toBe('ok');
});

it('a block of oneself or of an unknown user is refused', async () => {
  expect(await block(anna, anna)).toBe(400);
  expect(await block(anna, { id: randomUUID() })).toBe(404);
  expect(await block(anna, { id: 'x' })).toBe(400);
  expect(await block(anna, { id: randomUUID() }, 'DELETE')).toBe(204);
});

it('a block leaves no relationship between the two, whatever happens at the same moment', async () => {
  for (let round = 0; round < 10; round++) {
    const [a, b] = await app.people('А', 'Б');
    const { id } = await ask<{ id: string }>(a, 'POST friends/requests', { user_id: b.id });
    await Promise.all([
      ask(a, `PUT users/${b.id}/follow`),
      ask(b, `POST friends/requests/${id}/accept`),
      ask(b, 'POST chats', { type: 'direct', participant_ids: [a.id] }),
      block(a, b),
      ask(b, `PUT users/${a.id}/follow`),
      ask(b, 'POST friends/requests', { user_id: a.id }),
    ]);
    const left = await app.rows(
      `SELECT 1 FROM follows WHERE follower_id = ANY($1) UNION ALL SELECT 2 FROM friends WHERE user_id = ANY($1)
       UNION ALL SELECT 3 FROM friend_requests WHERE from_id = ANY($1) AND status = 'pending'
       UNION ALL SELECT 4 FROM chats JOIN chat_members m ON m.chat_id = id WHERE user_id = ANY($1) AND NOT blocked`,
      [[a.id, b.id]],
    );
    expect(left).toEqual([]);
  }
});

it('no notification crosses a block', async () => {
  const handle = (await ask<{ handle: string }>(boris, 'GET users/me')).handle;
  await block(boris, anna);
  await post(anna, `@${handle}`);
  expect((await promised(app, 'mention')).filter(({ actorId }) => actorId === anna.id)).toEqual([]);
});
