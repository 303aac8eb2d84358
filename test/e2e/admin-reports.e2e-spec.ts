import {
  MAX_OPEN_REPORTS,
  ReportCaseDto,
  ReportDto,
  ReportPage,
  type ChatDto,
  type CommentDto,
  type PostDto,
  type ReportBody,
  type ServiceDto,
} from '#contracts';
import { expectStatus, contractErrors, TestApp, text, type Account } from '#testing';
import { randomUUID } from 'node:crypto';

type Kind = ReportBody['kind'];

let app: TestApp;
let admin: Account;
let anna: Account;
let boris: Account;
let stranger: Account;
let chat: ChatDto;
/** Anna's things, by kind. */
let targets: Record<Kind, string>;
beforeAll(async () => {
  app = await TestApp.start();
  [admin, anna, boris, stranger] = await app.people('Админ', 'Анна', 'Борис', 'Глеб');
  await app.rows(`UPDATE users SET role = 'admin' WHERE id = $1`, [admin.id]);
  chat = await app.group(anna, boris);
  targets = await targetsOfAnna();
});
afterAll(() => app.stop());
beforeEach(() => app.rows('DELETE FROM reports'));

const made = async <T>(path: string, body: object) =>
  expectStatus(await app.request<T>('POST', path, anna.token, body), 201);
const send = async (content: string) => {
  const { metadata: _, chat_id: __, ...message } = { metadata: {}, ...text(chat, content) };
  return (await made<{ message_id: string }>(`chats/${chat.id}/messages`, message)).message_id;
};
const targetsOfAnna = async (): Promise<Record<Kind, string>> => {
  const media_urls = ['https://example.com/1.jpg'];
  const post = await made<PostDto>('posts', { content: 'Мой пост', media_urls });
  const comment = await made<CommentDto>(`posts/${post.id}/comments`, { content: 'Мой ответ' });
  await app.request('PATCH', 'users/me', anna.token, { is_master: true });
  const service = await made<ServiceDto>('services', { name: 'Маникюр', price: 2000, duration: 60 });
  const message = await send('Моё сообщение');
  return { user: anna.id, post: post.id, comment: comment.id, message, service: service.id };
};
const report = (who: Account, kind: string, target_id: string, reason = 'Это спам') =>
  app.request<ReportDto>('POST', 'reports', who.token, { kind, target_id, reason });
const stored = () => app.rows<{ id: string; reporter_id: string }>('SELECT * FROM reports ORDER BY id');
const list = async (query = '') => {
  const { status, body } = await app.request<ReportPage>('GET', `admin/reports?${query}`, admin.token);
  expect([status, contractErrors(ReportPage, body)]).toEqual([200, []]);
  return body;
};
const resolve = (id: string, body: object = { resolution: 'Удалено' }, who = admin) =>
  app.request<ReportCaseDto>('POST', `admin/reports/${id}/resolve`, who.token, body);
const refused = async (reply: ReturnType<typeof report>, status: number, code: string) => {
  const before = (await stored()).length;
  const { status: got, body } = await reply;
  expect([got, body.code, (await stored()).length]).toEqual([status, code, before]);
};

describe('a report', () => {
  it.each<[Kind, string | null]>([
    ['user', null],
    ['post', 'Мой пост\nhttps://example.com/1.jpg'],
    ['comment', 'Мой ответ'],
    ['message', 'Моё сообщение'],
    ['service', 'Маникюр'],
  ])('of a %s is stored with its target, and names the owner of the target', async (kind, content) => {
    const { status, body } = await report(boris, kind, targets[kind].toUpperCase());
    expect([status, contractErrors(ReportDto, body)]).toEqual([201, []]);
    expect(body).toMatchObject({ kind, target_id: targets[kind], reason: 'Это спам', status: 'open' });
    expect((await list()).items).toEqual([
      {
        ...body,
        reporter: expect.objectContaining({ id: boris.id, name: 'Борис' }),
        against: expect.objectContaining({ id: anna.id, name: 'Анна' }),
        content,
        resolved_by: null,
        resolved_at: null,
        resolution: null,
      },
    ]);
  });

  it('is refused when its target does not exist', async () => {
    for (const kind of Object.keys(targets))
      await refused(report(boris, kind, randomUUID()), 404, 'NOT_FOUND');
    await refused(report(boris, 'post', targets.comment), 404, 'NOT_FOUND');
    for (const [kind, id, reason] of [
      ['chat', chat.id, 'x'],
      ['user', 'x', 'x'],
      ['user', anna.id, '  '],
      ['user', anna.id, 'x'.repeat(1001)],
    ] as const)
      await refused(report(boris, kind, id, reason), 400, 'INVALID_DATA');
  });

  it('of a message is open to members, and to former members up to where they read, until it is deleted', async () => {
    await refused(report(stranger, 'message', targets.message), 403, 'FORBIDDEN');
    await app.request('POST', `chats/${chat.id}/members`, anna.token, { user_ids: [stranger.id] });
    expect((await report(stranger, 'message', targets.message)).status).toBe(201);
    await app.rows('DELETE FROM reports');
    await app.request('DELETE', `chats/${chat.id}/members/${stranger.id}`, anna.token);
    expect((await report(stranger, 'message', targets.message)).status).toBe(201);
    await refused(report(stranger, 'message', await send('Без него')), 403, 'FORBIDDEN');
    const deleted = await send('Удалённое');
    await app.request('DELETE', `chats/${chat.id}/messages/${deleted}`, anna.token);
    await refused(report(boris, 'message', deleted), 404, 'NOT_FOUND');
  });

  it('is accepted across a block in either direction, and refused for a target that a ban hides', async () => {
    const public_ = (['user', 'post', 'comment', 'service'] as const).map(
      (kind) => [kind, targets[kind]] as const,
    );
    const direct = await app.chat(anna, boris);
    const { message_id } = (
      await app.request<{ message_id: string }>('POST', `chats/${direct.id}/messages`, anna.token, {
        type: 'text',
        content: 'Оскорбление',
      })
    ).body;
    for (const [by, whom] of [
      [anna, boris],
      [boris, anna],
    ] as const) {
      await app.request('PUT', `users/${whom.id}/block`, by.token);
      for (const [kind, id] of [...public_, ['message', message_id] as const])
        expect([kind, (await report(boris, kind, id)).status]).toEqual([kind, 201]);
      await refused(report(stranger, 'message', message_id), 403, 'FORBIDDEN');
      await app.request('DELETE', `users/${whom.id}/block`, by.token);
      await app.rows('DELETE FROM reports');
    }
    await app.rows('UPDATE users SET banned_at = now() WHERE id = $1', [anna.id]);
    for (const [kind, id] of public_) await refused(report(stranger, kind, id), 404, 'NOT_FOUND');
    await app.rows('UPDATE users SET banned_at = NULL WHERE id = $1', [anna.id]);
  });

  it('of a comment is accepted across a block with its author or with the post’s author', async () => {
    const under = await app.request<CommentDto>('POST', `posts/${targets.post}/comments`, boris.token, {
      content: 'Под чужим',
    });
    const post = await app.request<PostDto>('POST', 'posts', boris.token, { content: 'Борис' });
    const firstDevice = await made<CommentDto>(`posts/${post.body.id}/comments`, { content: 'У Бориса' });
    await app.request('PUT', `users/${stranger.id}/block`, anna.token);
    for (const { id } of [under.body, firstDevice])
      expect((await report(stranger, 'comment', id)).status).toBe(201);
    await app.request('DELETE', `users/${stranger.id}/block`, anna.token);
  });

  it('is stored once per reporter while it is open, also after its target is deleted', async () => {
    const message = await send('Ещё одно');
    const first = await report(boris, 'message', message);
    const manyPeople = await Promise.all(Array.from({ length: 8 }, () => report(boris, 'user', anna.id)));
    expect(new Set(manyPeople.map(({ status, body }) => `${status} ${body.id}`)).size).toBe(1);
    await app.request('DELETE', `chats/${chat.id}/messages/${message}`, anna.token);
    const again = await report(boris, 'message', message, 'другая причина');
    expect([again.status, again.body]).toEqual([201, first.body]);
    await report(stranger, 'user', anna.id);
    expect((await stored()).map(({ reporter_id }) => reporter_id)).toEqual([boris.id, boris.id, stranger.id]);
    expect((await resolve(first.body.id)).status).toBe(200);
    await refused(report(boris, 'message', message), 404, 'NOT_FOUND');
    const [opened] = manyPeople;
    await resolve(opened!.body.id);
    const anew = await report(boris, 'user', anna.id);
    expect(anew.status).toBe(201);
    expect(anew.body.id).not.toBe(opened!.body.id);
  });

  it('is refused beyond 100 open reports of one user, also when many are sent at once', async () => {
    await app.rows(
      `INSERT INTO reports (id, reporter_id, kind, target_id, against_id, reason)
       SELECT gen_random_uuid(), $1, 'post', gen_random_uuid(), $2, 'x' FROM generate_series(1, $3)`,
      [boris.id, anna.id, MAX_OPEN_REPORTS - 1],
    );
    const kinds = Object.keys(targets) as Kind[];
    const replies = await Promise.all(kinds.map((kind) => report(boris, kind, targets[kind])));
    expect(replies.map(({ status }) => status).sort((a, b) => a - b)).toEqual([201, 409, 409, 409, 409]);
    expect(await stored()).toHaveLength(MAX_OPEN_REPORTS);
    const kept = replies.find(({ status }) => status === 201)!;
    expect((await report(boris, kept.body.kind, kept.body.target_id)).body).toEqual(kept.body);
    expect((await report(stranger, 'user', anna.id)).status).toBe(201);
    await resolve(kept.body.id);
    expect((await report(boris, kept.body.kind, kept.body.target_id)).status).toBe(201);
  });
});

describe('admins', () => {
  it('list open and resolved reports in pages, newest first', async () => {
    const ids: string[] = [];
    for (const kind of Object.keys(targets) as Kind[])
      ids.unshift((await report(boris, kind, targets[kind])).body.id);
    await resolve(ids[1]!);
    const idsOf = async (query: string) => (await list(query)).items.map(({ id }) => id);
    expect(await idsOf('')).toEqual(ids);
    expect(await idsOf('status=resolved')).toEqual([ids[1]]);
    const open = ids.filter((id) => id !== ids[1]);
    const first = await list('status=open&limit=3');
    const rest = await list(`status=open&limit=3&cursor=${first.next_cursor}`);
    expect([...first.items, ...rest.items].map(({ id }) => id)).toEqual(open);
    expect(rest.next_cursor).toBeNull();
    for (const query of ['status=closed', 'cursor=x', 'limit=0'])
      expect((await app.request('GET', `admin/reports?${query}`, admin.token)).status).toBe(400);
  });

  it('resolve a report once when two try at the same moment', async () => {
    const { body } = await report(boris, 'post', targets.post);
    const replies = await Promise.all([resolve(body.id), resolve(body.id, { resolution: 'Пусть' })]);
    expect(replies.map(({ status }) => status).sort((a, b) => a - b)).toEqual([200, 409]);
    const { body: resolved } = replies.find(({ status }) => status === 200)!;
    expect(contractErrors(ReportCaseDto, resolved)).toEqual([]);
    expect(resolved).toMatchObject({
      id: body.id,
      status: 'resolved',
      resolved_by: { id: admin.id },
      resolved_at: expect.any(String),
    });
    const again = await resolve(body.id, { resolution: 'Иначе' });
    expect([again.status, again.body]).toMatchObject([409, { code: 'CONFLICT', reason: 'wrong_state' }]);
    expect((await list()).items).toEqual([resolved]);
    expect(
      await app.rows(`SELECT details->>'resolution' AS said FROM audit_entries WHERE target_id = $1`, [
        body.id,
      ]),
    ).toEqual([{ said: resolved.resolution }]);
    expect((await resolve(randomUUID())).status).toBe(404);
    for (const body of [{}, { resolution: ' ' }])
      expect((await resolve(randomUUID(), body)).status).toBe(400);
  });
});
