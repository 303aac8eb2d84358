import type { ChatDto, FriendRequestPage, ParticipantPage, PostDto } from '#contracts';
import { expectStatus, DatabaseSession, PlainClient, text, until, type Account } from '#testing';
import { useBans } from './scene.js';

const scene = useBans();
const { ban, chatOf, get, read, roles, send, step, unban } = scene;

describe('a banned user', () => {
  it('is unreachable like an unknown user; after an unban everything works again', async () => {
    const [anna, boris, vera] = await scene.app.people('Анна', 'Борис', 'Вера');
    const [direct, group] = [await scene.app.chat(anna, boris), await scene.app.group(anna, vera)];
    const own = await send(anna, direct, 'моё');
    const borisDevice = await send(boris, direct, 'его');
    const elsewhere = await send(anna, group);
    const [annaDevice] = await scene.app.devices(anna);
    const request = await scene.app.request<{ id: string }>('POST', 'friends/requests', boris.token, {
      user_id: vera.id,
    });
    const asked = async () =>
      (await get<FriendRequestPage>(vera, 'friends/requests')).items.map(({ id }) => id);
    expect(await asked()).toEqual([request.body.id]);
    await ban(boris);
    expect(await asked()).toEqual([]);
    await annaDevice.next('chat:updated', ({ id, is_open }) => id === direct.id && !is_open);
    const messenger = PlainClient.open(`${scene.app.url}/messenger`, { auth: { token: anna.token } });
    const counts = () =>
      scene.app
        .rows(`SELECT (SELECT count(*) FROM chats) AS chats, (SELECT count(*) FROM chat_members) AS members,
        (SELECT count(*) FROM messages) AS messages, (SELECT count(*) FROM follows) AS follows,
        (SELECT count(*) FROM friends) AS friends, (SELECT count(*) FROM friend_requests) AS requests,
        (SELECT count(*) FROM blocks) AS blocks, (SELECT max(change_seq) FROM chats) AS changes`);
    const made = await counts();
    const d = `chats/${direct.id}`;
    const rest: [string, string, object?][] = [
      ['POST', 'chats', { type: 'direct', participant_ids: [boris.id] }],
      ['POST', 'chats', { type: 'group', participant_ids: [vera.id, boris.id] }],
      ['POST', `chats/${group.id}/members`, { user_ids: [boris.id] }],
      ['PATCH', `chats/${group.id}/members/${boris.id}`, { role: 'owner' }],
      ['POST', `${d}/messages`, { type: 'text', content: 'x' }],
      ['POST', `${d}/forward`, { message_ids: [elsewhere] }],
      ['PATCH', `${d}/messages/${own}`, { content: 'иначе' }],
      ['POST', `${d}/messages/${borisDevice}/reactions`, { emoji: '👍', on: true }],
      ['PUT', `users/${boris.id}/follow`],
      ['PUT', `users/${boris.id}/block`],
      ['POST', 'friends/requests', { user_id: boris.id }],
      ['GET', `users/${boris.id}`],
    ];
    for (const [method, path, body] of rest) {
      const { status, body: answer } = await scene.app.request(method, path, anna.token, body);
      expect([path, status, answer.code]).toEqual([path, 404, 'NOT_FOUND']);
    }
    const events = [
      await annaDevice.send('chat:get', { recipient_id: boris.id }),
      await annaDevice.send('chat:message:send', text(direct)),
      await annaDevice.send('chat:message:forward', { message_ids: [elsewhere], to_chat_id: direct.id }),
      await annaDevice.send('chat:message:edit', { message_id: own, content: 'иначе' }),
      await annaDevice.send('chat:message:react', { message_id: borisDevice, emoji: '👍', on: true }),
      await annaDevice.send('chat:message:pin', { message_id: borisDevice, on: true }),
      await annaDevice.send('chat:typing', { chat_id: direct.id, is_typing: true }),
    ];
    for (const [i, answer] of events.entries()) expect([i, answer.code]).toEqual([i, 'NOT_FOUND']);
    expect(await messenger.ask('chat:get', { recipientId: boris.id })).toEqual({
      status: 'error',
      message: 'User not found',
    });
    messenger.socket.close();
    for (const answer of ['accept', 'decline']) {
      const path = `friends/requests/${request.body.id}/${answer}`;
      expectStatus(await scene.app.request('POST', path, vera.token), 404);
    }
    expect(await counts()).toEqual(made);

    const back = await unban(boris);
    await annaDevice.next('chat:updated', ({ id, is_open }) => id === direct.id && is_open);
    expect((await scene.app.request('GET', `users/${boris.id}`, anna.token)).status).toBe(200);
    expect(
      (await scene.app.request('POST', `friends/requests/${request.body.id}/accept`, vera.token)).status,
    ).toBe(200);
    expect((await scene.app.request('PUT', `users/${boris.id}/follow`, anna.token)).status).toBe(204);
    await send(anna, direct, 'снова');
    expect((await scene.app.history(back, direct.id)).at(-1)!.content).toBe('снова');
    const joined = await scene.app.request('POST', `chats/${group.id}/members`, anna.token, {
      user_ids: [boris.id],
    });
    expect(joined.status).toBe(201);
  });

  it('leaves the direct chat readable without presence, and one’s own messages can be deleted', async () => {
    const [anna, boris] = await scene.app.people('Анна', 'Борис');
    const direct = await scene.app.chat(anna, boris);
    const own = await send(anna, direct, 'моё');
    const borisMessage = await send(boris, direct, 'его');
    await scene.app.device(boris);
    await ban(boris);
    const chat = await chatOf(anna, direct);
    expect([chat.is_open, chat.member_count]).toEqual([false, 2]);
    const { items } = await get<ParticipantPage>(anna, `chats/${direct.id}/members`);
    for (const people of [chat.participants, items])
      expect(people.find(({ id }) => id === boris.id)).toMatchObject({
        name: 'Борис',
        online: false,
        last_seen: null,
      });
    expect((await read(anna, direct, borisMessage)).status).toBe(200);
    expect((await scene.app.request('DELETE', `chats/${direct.id}/messages/${own}`, anna.token)).status).toBe(
      204,
    );
    expect((await scene.app.history(anna, direct.id)).map(({ content }) => content)).toEqual(['', 'его']);
    expect((await get<{ items: ChatDto[] }>(anna, 'chats')).items.map(({ id }) => id)).toEqual([direct.id]);
  });

  it('keeps a direct chat closed as long as one of the two is banned', async () => {
    const [anna, boris] = await scene.app.people('Анна', 'Борис');
    const direct = await scene.app.chat(anna, boris);
    await ban(anna);
    await ban(boris);
    const annaAgain = await unban(anna);
    const refused = await scene.app.request('POST', `chats/${direct.id}/messages`, annaAgain.token, {
      type: 'text',
      content: 'x',
    });
    expect([refused.status, (await chatOf(annaAgain, direct)).is_open]).toEqual([404, false]);
    await unban(boris);
    await send(annaAgain, direct);
  });

  it('is counted on no post, also when their comments or likes are deleted meanwhile', async () => {
    const [anna, boris] = await scene.app.people('Анна', 'Борис');
    const make = async (who: Account, path: string, body: object = {}) =>
      (await scene.app.request<{ id: string }>('POST', path, who.token, body)).body.id;
    const post = `posts/${await make(anna, 'posts', { content: 'Кто со мной?' })}`;
    const counts = async () => {
      const { comments_count, reposts_count } = await get<PostDto>(anna, post);
      return [comments_count, reposts_count];
    };
    const comment = await make(anna, `${post}/comments`, { content: 'Отвечайте здесь' });
    await make(boris, `${post}/comments`, { content: 'Я', parent_id: comment });
    const repost = await make(boris, `${post}/repost`);
    expect(await counts()).toEqual([2, 1]);
    await ban(boris);
    expect(await counts()).toEqual([1, 0]);
    await scene.app.request('DELETE', `${post}/comments/${comment}`, anna.token);
    await scene.app.request('DELETE', `posts/${repost}`, scene.admin.token);
    expect(await counts()).toEqual([0, 0]);
    await unban(boris);
    expect(await counts()).toEqual([0, 0]);
  });

  it('goes offline for others, at once in queries, and stops typing', async () => {
    const [anna, boris] = await scene.app.people('Анна', 'Борис');
    const group = await scene.app.group(anna, boris);
    const [annaDevice, borisDevice] = await scene.app.devices(anna, boris);
    const seen = async () => {
      const { items } = await annaDevice.send('presence:get', { user_ids: [boris.id] });
      return items;
    };
    expect(await seen()).toMatchObject([{ online: true }]);
    await borisDevice.send('chat:typing', { chat_id: group.id, is_typing: true });
    await annaDevice.next('chat:typing', ({ is_typing }) => is_typing);
    await ban(boris);
    expect(await seen()).toEqual([{ user_id: boris.id, online: false, last_seen: null }]);
    await annaDevice.next('chat:typing', ({ is_typing }) => !is_typing);
    await annaDevice.next('user:offline', ({ user_id }) => user_id === boris.id);
    expect(await seen()).toEqual([{ user_id: boris.id, online: false, last_seen: null }]);
  });
});

describe('a concurrent ban', () => {
  let databaseSession: DatabaseSession;
  beforeAll(async () => (databaseSession = await DatabaseSession.at(scene.app.databaseUrl)));
  afterAll(() => databaseSession.end());

  it('covers a chat, a membership or a friendship that was begun before it', async () => {
    const [anna, boris] = await scene.app.people('Анна', 'Борис');
    const group = await scene.app.group(anna, scene.admin);
    await databaseSession.query('BEGIN');
    await databaseSession.query('LOCK TABLE chat_members IN SHARE MODE');
    const direct = scene.app.request<ChatDto>('POST', 'chats', anna.token, {
      type: 'direct',
      participant_ids: [boris.id],
    });
    const added = scene.app.request('POST', `chats/${group.id}/members`, anna.token, {
      user_ids: [boris.id],
    });
    while ((await databaseSession.waiters()) < 2) await new Promise((resolve) => setTimeout(resolve, 10));
    const banned = ban(boris);
    while ((await databaseSession.waiters()) < 3) await new Promise((resolve) => setTimeout(resolve, 10));
    await databaseSession.query('COMMIT');
    const [{ status, body }] = await Promise.all([direct, added, banned]);
    expect([status, (await added).status]).toEqual([201, 201]);
    expect((await chatOf(anna, body)).is_open).toBe(false);
    expect(await roles(anna, group)).toEqual(['Админ member', 'Анна owner']);
  });

  it('leaves a consistent state together with unbans, while chats are made and messages sent', async () => {
    const [anna, boris, vera] = await scene.app.people('Анна', 'Борис', 'Вера');
    const groups = await Promise.all(
      Array.from({ length: 4 }, (_, i) => scene.app.group(i % 2 ? boris : anna, vera, boris, anna)),
    );
    const direct = await scene.app.chat(anna, boris);
    for (const last of ['ban', 'unban'] as const) {
      const both = Promise.all(
        ['ban', 'unban', 'ban', 'unban', 'ban'].map((what) => step(boris, what as 'ban')),
      );
      await Promise.all([
        both,
        ...groups.map(({ id }) =>
          scene.app.request('POST', `chats/${id}/messages`, vera.token, { type: 'text', content: 'x' }),
        ),
        scene.app.request('POST', 'chats', vera.token, { type: 'direct', participant_ids: [boris.id] }),
        scene.app.request('POST', 'chats', vera.token, { type: 'group', participant_ids: [boris.id] }),
        scene.app.request('POST', `chats/${direct.id}/messages`, anna.token, { type: 'text', content: 'x' }),
      ]);
      expect((await both).map(({ status }) => status)).toEqual(Array(5).fill(200));
      expect((await step(boris, last)).status).toBe(200);
      const wrong = await scene.app.rows(
        `SELECT c.id, c.type, c.member_count FROM chats c WHERE EXISTS (SELECT FROM chat_members WHERE chat_id = c.id AND user_id = $1)
           AND (c.type = 'direct' AND c.gone <> $2
             OR c.member_count <> (SELECT count(*) FROM chat_members p WHERE p.chat_id = c.id AND p.left_at IS NULL)
             OR c.type = 'group' AND 1 <> (SELECT count(*) FROM chat_members p WHERE p.chat_id = c.id AND p.role = 'owner' AND p.left_at IS NULL)
             OR c.type = 'group' AND $2 <> EXISTS (SELECT FROM chat_members p WHERE p.chat_id = c.id AND p.user_id = $1 AND p.left_by_ban))`,
        [boris.id, last === 'ban'],
      );
      expect(wrong).toEqual([]);
    }
  });

  it('that fails after its commit leaves its job for later, and a finished one leaves none', async () => {
    const [anna, boris] = await scene.app.people('Анна', 'Борис');
    const group = await scene.app.group(anna, boris);
    await scene.app.rows(`ALTER TABLE chats ADD CONSTRAINT failing CHECK (member_count > 1) NOT VALID`);
    expect((await step(boris, 'ban')).status).toBe(500);
    const jobs = () =>
      scene.app.rows<{ is_later: boolean }>(
        `SELECT due_at > now() + interval '30 seconds' AS is_later FROM outbox_jobs
         WHERE name = 'reconcile-ban' AND data->>'userId' = $1`,
        [boris.id],
      );
    expect(await jobs()).toEqual([{ is_later: true }]);
    await scene.app.rows('ALTER TABLE chats DROP CONSTRAINT failing');
    await scene.app.rows(`UPDATE outbox_jobs SET due_at = now() WHERE name = 'reconcile-ban'`);
    await until('absent', async () => (await chatOf(anna, group)).member_count === 1);
    await until('done', async () => (await jobs()).length === 0);
    await unban(boris);
    expect(await jobs()).toEqual([]);
  });

  it('that was interrupted after its commit is completed', async () => {
    const [anna, boris] = await scene.app.people('Анна', 'Борис');
    const group = await scene.app.group(anna, boris);
    await scene.app.rows(
      `WITH banned AS (UPDATE users SET banned_at = now() WHERE id = $1 RETURNING id)
       INSERT INTO outbox_jobs (id, name, data)
       SELECT gen_random_uuid(), 'reconcile-ban', jsonb_build_object('userId', id) FROM banned`,
      [boris.id],
    );
    await until('absent', async () => (await chatOf(anna, group)).member_count === 1);
  });
});
