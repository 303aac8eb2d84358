import {
  ChatDto,
  type ChangePage,
  type MessageDto,
  type MessagePage,
  type ParticipantPage,
  type ReceiptPage,
  type SyncAnswer,
} from '#contracts';
import { Bystander, contractErrors, PlainClient, TestApp, text, until, type Account } from '#testing';

let app: TestApp;
let admin: Account;
let bystander: Bystander;
beforeAll(async () => {
  app = await TestApp.start();
  admin = await app.register('Админ');
  await app.rows(`UPDATE users SET role = 'admin' WHERE id = $1`, [admin.id]);
  bystander = await Bystander.at(app.databaseUrl);
});
afterAll(async () => {
  await bystander.end();
  await app.stop();
});

const step = (who: Account, what: 'ban' | 'unban') =>
  app.request('POST', `admin/users/${who.id}/${what}`, admin.token);
const ban = async (who: Account) => expect((await step(who, 'ban')).status).toBe(200);
/** With a new sign-in, since the ban has ended the sessions. */
const unban = async (who: Account): Promise<Account> => {
  expect((await step(who, 'unban')).status).toBe(200);
  const login = await app.request<{ access_token: string }>('POST', 'auth/login', undefined, {
    email: who.email,
    password: 'correct horse battery',
  });
  return { ...who, token: login.body.access_token };
};
const get = async <T>(who: Account, path: string) => {
  const { status, body } = await app.request<T>('GET', path, who.token);
  expect([path, status]).toEqual([path, 200]);
  return body;
};
const chatOf = async (who: Account, { id }: ChatDto) => {
  const chat = await get<ChatDto>(who, `chats/${id}`);
  expect(contractErrors(ChatDto, chat)).toEqual([]);
  return chat;
};
const roles = async (who: Account, { id }: ChatDto) => {
  const { items } = await get<ParticipantPage>(who, `chats/${id}/members`);
  return items.map((member) => `${member.name} ${member.role}`).sort();
};
const send = async (who: Account, { id }: { id: string }, content = 'Привет') => {
  const { status, body } = await app.request<{ message_id: string }>(
    'POST',
    `chats/${id}/messages`,
    who.token,
    { type: 'text', content },
  );
  expect(status).toBe(201);
  return body.message_id;
};
const read = (who: Account, { id }: ChatDto, message_id: string) =>
  app.request('POST', `chats/${id}/read`, who.token, { message_id });

describe('a banned member of a group', () => {
  it('holds no message back from being delivered and read, wherever it is shown', async () => {
    const [anna, boris, vera] = await app.people('Анна', 'Борис', 'Вера');
    const group = await app.group(anna, boris, vera);
    const hers = await app.device(anna);
    const before = await send(anna, group, 'до бана');
    await read(boris, group, before);
    await ban(vera);
    await hers.next('chat:updated', ({ last_message }) => last_message?.status === 'read');
    const after = await send(anna, group, 'после бана');
    const shown = async (id: string) => {
      const path = `chats/${group.id}`;
      const of = (items: MessageDto[]) => items.find((message) => message.id === id)?.status;
      const edited = await hers.send('chat:message:edit', {
        message_id: id,
        content: `правка ${Date.now()}`,
      });
      await hers.send('chat:message:pin', { message_id: id, on: true });
      const changes = await get<ChangePage>(anna, `${path}/changes?after_change_seq=0`);
      return {
        history: of(await app.history(anna, group.id)),
        search: of(
          (await get<MessagePage>(anna, `${path}/messages/search?query=${encodeURIComponent('правка')}`))
            .items,
        ),
        pins: of((await get<{ items: MessageDto[] }>(anna, `${path}/pins`)).items),
        changes: of(changes.items.flatMap(({ message }) => message ?? [])),
        edit: edited.message.status,
        receipts: (await get<ReceiptPage>(anna, `${path}/messages/${id}/receipts`)).items.map(
          ({ name, status }) => `${name} ${status}`,
        ),
      };
    };
    const everywhere = (status: string) => ({
      history: status,
      search: status,
      pins: status,
      changes: status,
      edit: status,
      receipts: [`Борис ${status}`],
    });
    expect(await shown(before)).toEqual(everywhere('read'));
    expect(await shown(after)).toEqual(everywhere('sent'));
    await app.history(boris, group.id);
    await until('delivered', async () => (await chatOf(anna, group)).last_message?.status === 'delivered');
    expect(await shown(after)).toEqual(everywhere('delivered'));
    await read(boris, group, after);
    expect(await shown(after)).toEqual(everywhere('read'));
    const list = await get<{ items: ChatDto[] }>(anna, 'chats');
    expect(list.items[0]!.last_message!.status).toBe('read');
  });

  it('is in no list and no count, and hears and says nothing; after an unban what was said waits', async () => {
    const [anna, boris, vera] = await app.people('Анна', 'Борис', 'Вера');
    const group = await app.group(anna, boris, vera);
    const read1 = await send(anna, group, '1');
    await read(vera, group, read1);
    await send(vera, group, '2');
    await send(anna, group, '3');
    const known = (await get<SyncAnswer>(boris, 'sync')).cursor;
    await ban(vera);
    const seen = await chatOf(boris, group);
    expect([seen.member_count, seen.participants.map(({ id }) => id).sort()]).toEqual([
      2,
      [anna.id, boris.id].sort(),
    ]);
    expect(seen.change_seq).toBeGreaterThan(group.change_seq);
    expect(await roles(boris, group)).toEqual(['Анна owner', 'Борис member']);
    expect((await get<SyncAnswer>(boris, `sync?cursor=${known}`)).chats.map(({ id }) => id)).toEqual([
      group.id,
    ]);
    await send(anna, group, '4');
    const [his] = await app.devices(boris);
    const back = await unban(vera);
    await his.next('chat:updated', ({ member_count }) => member_count === 3);
    const own = await chatOf(back, group);
    expect([own.member_count, own.last_seq, own.last_read_seq, own.unread_count]).toEqual([3, 4, 2, 2]);
    expect(own.participants.map(({ id }) => id)).toContain(vera.id);
    expect((await app.history(back, group.id)).map(({ content }) => content)).toEqual(['1', '2', '3', '4']);
    const waiting = await send(anna, group, '5');
    await read(boris, group, waiting);
    expect((await app.history(anna, group.id)).at(-1)!.status).toBe('sent');
    await read(back, group, waiting);
    expect(
      (await app.history(boris, group.id)).filter(({ sender_id }) => sender_id === anna.id),
    ).toMatchObject(Array(4).fill({ status: 'read' }));
    const [veras] = await app.devices(back);
    await send(anna, group, '6');
    await veras.next('chat:message:new', ({ content }) => content === '6');
  });

  it('is left out of reactions, and back in them after an unban, as changes tell', async () => {
    const [anna, boris, vera] = await app.people('Анна', 'Борис', 'Вера');
    const group = await app.group(anna, boris, vera);
    const [both, hers, gone] = [await send(anna, group), await send(anna, group), await send(anna, group)];
    const react = async (who: Account, id: string) => {
      const path = `chats/${group.id}/messages/${id}/reactions`;
      await app.request('POST', path, who.token, { emoji: '👍', on: true });
    };
    for (const [who, id] of [
      [vera, both],
      [boris, both],
      [vera, hers],
      [vera, gone],
    ] as const)
      await react(who, id);
    await app.request('DELETE', `chats/${group.id}/messages/${gone}`, anna.token);
    const shown = (items: MessageDto[]) =>
      items
        .filter(({ id }) => id !== gone)
        .map(({ reactions }) => reactions.map((r) => [r.count, r.user_ids]));
    const seen = async (after: number) => {
      const changes = await get<ChangePage>(anna, `chats/${group.id}/changes?after_change_seq=${after}`);
      return [
        shown(await app.history(anna, group.id)),
        shown(changes.items.flatMap(({ message }) => message ?? [])),
      ];
    };
    const before = (await chatOf(anna, group)).change_seq;
    await ban(vera);
    expect(await seen(before)).toEqual(Array(2).fill([[[1, [boris.id]]], []]));
    const banned = (await chatOf(anna, group)).change_seq;
    await unban(vera);
    expect(await seen(banned)).toEqual(Array(2).fill([[[2, [vera.id, boris.id]]], [[1, [vera.id]]]]));
    const restored = (await chatOf(anna, group)).change_seq;
    await unban(vera);
    expect((await chatOf(anna, group)).change_seq).toBe(restored);
  });

  it('who is removed does not come back; nobody hears of it, and an admin removes no admin so either', async () => {
    const [anna, boris, vera, gleb] = await app.people('Анна', 'Борис', 'Вера', 'Глеб');
    const group = await app.group(anna, boris, vera, gleb);
    for (const admins of [boris, gleb])
      await app.request('PATCH', `chats/${group.id}/members/${admins.id}`, anna.token, { role: 'admin' });
    await ban(vera);
    await ban(gleb);
    const [hers] = await app.devices(anna);
    await app.lastSeenStored(anna);
    const before = await chatOf(anna, group);
    const remove = async (by: Account, whom: Account) =>
      (await app.request('DELETE', `chats/${group.id}/members/${whom.id}`, by.token)).status;
    expect(await remove(boris, gleb)).toBe(403);
    expect([await remove(boris, vera), await remove(boris, vera)]).toEqual([204, 404]);
    await hers.settled();
    expect(hers.all('chat:updated')).toEqual([]);
    expect(await chatOf(anna, group)).toEqual(before);
    const back = await unban(vera);
    await unban(gleb);
    expect((await app.request('GET', `chats/${group.id}`, back.token)).status).toBe(403);
    expect(await roles(anna, group)).toEqual(['Анна owner', 'Борис admin', 'Глеб admin']);
  });

  it('does not come back into a group that is full by then, nor twice', async () => {
    const [anna, vera] = await app.people('Анна', 'Вера');
    const [full, open] = [await app.group(anna, vera), await app.group(anna, vera)];
    await ban(vera);
    await app.rows('UPDATE chats SET member_count = 1024 WHERE id = $1', [full.id]);
    const back = await unban(vera);
    expect((await app.request('GET', `chats/${full.id}`, back.token)).status).toBe(403);
    expect((await chatOf(anna, full)).member_count).toBe(1024);
    await app.rows('UPDATE chats SET member_count = 1 WHERE id = $1', [full.id]);
    await unban(vera);
    expect([(await chatOf(anna, full)).member_count, (await chatOf(anna, open)).member_count]).toEqual([
      1, 2,
    ]);
  });
});

describe('a group', () => {
  it('of a banned owner goes to an admin, or else to the member who is in it longest', async () => {
    const [owner, anna, boris, vera] = await app.people('Олег', 'Анна', 'Борис', 'Вера');
    const group = await app.group(owner, anna, boris);
    await app.rows(
      `UPDATE chat_members SET joined_at = now() - interval '1 day' WHERE chat_id = $1 AND user_id = $2`,
      [group.id, boris.id],
    );
    await ban(owner);
    expect(await roles(boris, group)).toEqual(['Анна member', 'Борис owner']);
    const renamed = await app.request('PATCH', `chats/${group.id}`, boris.token, { title: 'Моя' });
    expect(renamed.status).toBe(200);
    await app.request('POST', `chats/${group.id}/members`, boris.token, { user_ids: [vera.id] });
    await app.request('PATCH', `chats/${group.id}/members/${vera.id}`, boris.token, { role: 'admin' });
    await ban(boris);
    expect(await roles(anna, group)).toEqual(['Анна member', 'Вера owner']);
    const back = await unban(owner);
    expect(await roles(back, group)).toEqual(['Анна member', 'Вера owner', 'Олег admin']);
  });

  it('that its owner leaves goes to nobody who is banned; it is handed to none, and none is made an admin', async () => {
    const [owner, anna, boris] = await app.people('Олег', 'Анна', 'Борис');
    const group = await app.group(owner, anna, boris);
    await app.request('PATCH', `chats/${group.id}/members/${anna.id}`, owner.token, { role: 'admin' });
    await ban(anna);
    for (const role of ['owner', 'admin', 'member']) {
      const handed = await app.request('PATCH', `chats/${group.id}/members/${anna.id}`, owner.token, {
        role,
      });
      expect([handed.status, handed.body.code]).toEqual([404, 'NOT_FOUND']);
    }
    expect((await app.request('DELETE', `chats/${group.id}/members/${owner.id}`, owner.token)).status).toBe(
      204,
    );
    expect(await roles(boris, group)).toEqual(['Борис owner']);
    await unban(anna);
    expect(await roles(boris, group)).toEqual(['Анна admin', 'Борис owner']);
  });

  it('of which all are banned has one owner among those who come back', async () => {
    const [owner, anna] = await app.people('Олег', 'Анна');
    const group = await app.group(owner, anna);
    await ban(owner);
    await ban(anna);
    const olegs = await unban(owner);
    expect(await roles(olegs, group)).toEqual(['Олег owner']);
    await ban(owner);
    const annas = await unban(anna);
    expect(await roles(annas, group)).toEqual(['Анна owner']);
    const again = await unban(owner);
    expect(await roles(again, group)).toEqual(['Анна owner', 'Олег admin']);
    const alone = await app.group(again, anna);
    await app.request('DELETE', `chats/${alone.id}/members/${anna.id}`, again.token);
    await ban(owner);
    expect(await roles(await unban(owner), alone)).toEqual(['Олег owner']);
  });
});

describe('a banned user', () => {
  it('is reached by nobody, as if there were no such user, and nothing is made; after an unban all goes again', async () => {
    const [anna, boris, vera] = await app.people('Анна', 'Борис', 'Вера');
    const [direct, group] = [await app.chat(anna, boris), await app.group(anna, vera)];
    const own = await send(anna, direct, 'моё');
    const his = await send(boris, direct, 'его');
    const elsewhere = await send(anna, group);
    const [hers] = await app.devices(anna);
    const request = await app.request<{ id: string }>('POST', 'friends/requests', boris.token, {
      user_id: vera.id,
    });
    await ban(boris);
    await hers.next('chat:updated', ({ id, is_open }) => id === direct.id && !is_open);
    const messenger = PlainClient.open(`${app.url}/messenger`, { auth: { token: anna.token } });
    const counts = () =>
      app.rows(`SELECT (SELECT count(*) FROM chats) AS chats, (SELECT count(*) FROM chat_members) AS members,
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
      ['POST', `${d}/messages/${his}/reactions`, { emoji: '👍', on: true }],
      ['PUT', `users/${boris.id}/follow`],
      ['PUT', `users/${boris.id}/block`],
      ['POST', 'friends/requests', { user_id: boris.id }],
      ['GET', `users/${boris.id}`],
    ];
    for (const [method, path, body] of rest) {
      const { status, body: answer } = await app.request(method, path, anna.token, body);
      expect([path, status, answer.code]).toEqual([path, 404, 'NOT_FOUND']);
    }
    const events = [
      await hers.send('chat:get', { recipient_id: boris.id }),
      await hers.send('chat:message:send', text(direct)),
      await hers.send('chat:message:forward', { message_ids: [elsewhere], to_chat_id: direct.id }),
      await hers.send('chat:message:edit', { message_id: own, content: 'иначе' }),
      await hers.send('chat:message:react', { message_id: his, emoji: '👍', on: true }),
      await hers.send('chat:message:pin', { message_id: his, on: true }),
      await hers.send('chat:typing', { chat_id: direct.id, is_typing: true }),
    ];
    for (const [i, answer] of events.entries()) expect([i, answer.code]).toEqual([i, 'NOT_FOUND']);
    expect(await messenger.ask('chat:get', { recipientId: boris.id })).toEqual({
      status: 'error',
      message: 'User not found',
    });
    messenger.socket.close();
    for (const answer of ['accept', 'decline']) {
      const { status } = await app.request(
        'POST',
        `friends/requests/${request.body.id}/${answer}`,
        vera.token,
      );
      expect([answer, status]).toEqual([answer, 404]);
    }
    expect(await counts()).toEqual(made);

    const back = await unban(boris);
    await hers.next('chat:updated', ({ id, is_open }) => id === direct.id && is_open);
    expect((await app.request('GET', `users/${boris.id}`, anna.token)).status).toBe(200);
    expect((await app.request('POST', `friends/requests/${request.body.id}/accept`, vera.token)).status).toBe(
      200,
    );
    expect((await app.request('PUT', `users/${boris.id}/follow`, anna.token)).status).toBe(204);
    await send(anna, direct, 'снова');
    expect((await app.history(back, direct.id)).at(-1)!.content).toBe('снова');
    const joined = await app.request('POST', `chats/${group.id}/members`, anna.token, {
      user_ids: [boris.id],
    });
    expect(joined.status).toBe(201);
  });

  it('leaves the direct chat readable, without saying whether they are there; one takes back what one said', async () => {
    const [anna, boris] = await app.people('Анна', 'Борис');
    const direct = await app.chat(anna, boris);
    const own = await send(anna, direct, 'моё');
    const his = await send(boris, direct, 'его');
    await app.device(boris);
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
    expect((await read(anna, direct, his)).status).toBe(200);
    expect((await app.request('DELETE', `chats/${direct.id}/messages/${own}`, anna.token)).status).toBe(204);
    expect((await app.history(anna, direct.id)).map(({ content }) => content)).toEqual(['', 'его']);
    expect((await get<{ items: ChatDto[] }>(anna, 'chats')).items.map(({ id }) => id)).toEqual([direct.id]);
  });

  it('keeps a direct chat closed as long as one of the two is banned', async () => {
    const [anna, boris] = await app.people('Анна', 'Борис');
    const direct = await app.chat(anna, boris);
    await ban(anna);
    await ban(boris);
    const annas = await unban(anna);
    const refused = await app.request('POST', `chats/${direct.id}/messages`, annas.token, {
      type: 'text',
      content: 'x',
    });
    expect([refused.status, (await chatOf(annas, direct)).is_open]).toEqual([404, false]);
    await unban(boris);
    await send(annas, direct);
  });

  it('goes offline for those who see them, at once for who asks; typing ends', async () => {
    const [anna, boris] = await app.people('Анна', 'Борис');
    const group = await app.group(anna, boris);
    const [hers, his] = await app.devices(anna, boris);
    const seen = async () => {
      const { items } = await hers.send('presence:get', { user_ids: [boris.id] });
      return items;
    };
    expect(await seen()).toMatchObject([{ online: true }]);
    await his.send('chat:typing', { chat_id: group.id, is_typing: true });
    await hers.next('chat:typing', ({ is_typing }) => is_typing);
    await ban(boris);
    expect(await seen()).toEqual([{ user_id: boris.id, online: false, last_seen: null }]);
    await hers.next('chat:typing', ({ is_typing }) => !is_typing);
    await hers.next('user:offline', ({ user_id }) => user_id === boris.id);
    expect(await seen()).toEqual([{ user_id: boris.id, online: false, last_seen: null }]);
  });
});

describe('at one moment', () => {
  it('a chat, a membership or a friendship that was begun before the ban is found by it', async () => {
    const [anna, boris] = await app.people('Анна', 'Борис');
    const group = await app.group(anna, admin);
    await bystander.query('BEGIN');
    await bystander.query('LOCK TABLE chat_members IN SHARE MODE');
    const direct = app.request<ChatDto>('POST', 'chats', anna.token, {
      type: 'direct',
      participant_ids: [boris.id],
    });
    const added = app.request('POST', `chats/${group.id}/members`, anna.token, { user_ids: [boris.id] });
    while ((await bystander.waiters()) < 2) await new Promise((resolve) => setTimeout(resolve, 10));
    const banned = ban(boris);
    while ((await bystander.waiters()) < 3) await new Promise((resolve) => setTimeout(resolve, 10));
    await bystander.query('COMMIT');
    const [{ status, body }] = await Promise.all([direct, added, banned]);
    expect([status, (await added).status]).toEqual([201, 201]);
    expect((await chatOf(anna, body)).is_open).toBe(false);
    expect(await roles(anna, group)).toEqual(['Админ member', 'Анна owner']);
  });

  it('bans and unbans of one user, while chats are made and messages sent, leave all in line', async () => {
    const [anna, boris, vera] = await app.people('Анна', 'Борис', 'Вера');
    const groups = await Promise.all(
      Array.from({ length: 4 }, (_, i) => app.group(i % 2 ? boris : anna, vera, boris, anna)),
    );
    const direct = await app.chat(anna, boris);
    for (const last of ['ban', 'unban'] as const) {
      const both = Promise.all(
        ['ban', 'unban', 'ban', 'unban', 'ban'].map((what) => step(boris, what as 'ban')),
      );
      await Promise.all([
        both,
        ...groups.map(({ id }) =>
          app.request('POST', `chats/${id}/messages`, vera.token, { type: 'text', content: 'x' }),
        ),
        app.request('POST', 'chats', vera.token, { type: 'direct', participant_ids: [boris.id] }),
        app.request('POST', 'chats', vera.token, { type: 'group', participant_ids: [boris.id] }),
        app.request('POST', `chats/${direct.id}/messages`, anna.token, { type: 'text', content: 'x' }),
      ]);
      expect((await both).map(({ status }) => status)).toEqual(Array(5).fill(200));
      expect((await step(boris, last)).status).toBe(200);
      const wrong = await app.rows(
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

  it('a ban that fails after its commit leaves its job for later, and one that is done leaves none', async () => {
    const [anna, boris] = await app.people('Анна', 'Борис');
    const group = await app.group(anna, boris);
    await app.rows(`ALTER TABLE chats ADD CONSTRAINT failing CHECK (member_count > 1) NOT VALID`);
    expect((await step(boris, 'ban')).status).toBe(500);
    const jobs = () =>
      app.rows<{ is_later: boolean }>(
        `SELECT due_at > now() + interval '30 seconds' AS is_later FROM outbox_jobs
         WHERE name = 'reconcile-ban' AND data->>'userId' = $1`,
        [boris.id],
      );
    expect(await jobs()).toEqual([{ is_later: true }]);
    await app.rows('ALTER TABLE chats DROP CONSTRAINT failing');
    await app.rows(`UPDATE outbox_jobs SET due_at = now() WHERE name = 'reconcile-ban'`);
    await until('absent', async () => (await chatOf(anna, group)).member_count === 1);
    await until('done', async () => (await jobs()).length === 0);
    await unban(boris);
    expect(await jobs()).toEqual([]);
  });

  it('a ban that was cut off after its commit is carried out all the same', async () => {
    const [anna, boris] = await app.people('Анна', 'Борис');
    const group = await app.group(anna, boris);
    await app.rows(
      `WITH banned AS (UPDATE users SET banned_at = now() WHERE id = $1 RETURNING id)
       INSERT INTO outbox_jobs (id, name, data)
       SELECT gen_random_uuid(), 'reconcile-ban', jsonb_build_object('userId', id) FROM banned`,
      [boris.id],
    );
    await until('absent', async () => (await chatOf(anna, group)).member_count === 1);
  });
});
