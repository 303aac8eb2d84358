import type { ErrorBody, PostDto } from '#contracts';
import { TestApp, type Account } from '#testing';

let app: TestApp;
let anna: Account;
let boris: Account;
beforeAll(async () => (app = await TestApp.start()));
afterAll(() => app.stop());
beforeEach(async () => {
  [anna, boris] = await app.people('Анна', 'Борис');
});

const statuses = async (answers: Promise<{ status: number }>[]) =>
  (await Promise.all(answers)).map(({ status }) => status).sort((a, b) => a - b);

const group = (...others: Account[]) => groupBy(boris, ...others);
const groupBy = (by: Account, ...others: Account[]) =>
  app.request<ErrorBody & { id: string }>('POST', 'chats', by.token, {
    type: 'group',
    participant_ids: others.map(({ id }) => id),
  });

const befriend = (...[one, other]: [Account, Account]) =>
  app.rows('INSERT INTO friends (user_id, friend_id) VALUES ($1, $2), ($2, $1)', [one.id, other.id]);

describe('a user in 999 groups', () => {
  beforeEach(() =>
    app.rows(
      `WITH groups AS (
         INSERT INTO chats (id, type, member_count) SELECT gen_random_uuid(), 'group', 1 FROM generate_series(1, 999)
         RETURNING id)
       INSERT INTO chat_members (chat_id, user_id) SELECT id, $1 FROM groups`,
      [anna.id],
    ),
  );

  it('can be added to one more by a friend, however many add them at once', async () => {
    await befriend(anna, boris);
    const [chat, other] = [await app.group(boris, await app.register()), await app.chat(boris, anna)];
    expect(other.type).toBe('direct');
    const add = () => app.request('POST', `chats/${chat.id}/members`, boris.token, { user_ids: [anna.id] });
    const answers = await statuses(Array.from({ length: 12 }, () => group(anna)));
    expect(answers).toEqual([201, ...Array.from({ length: 11 }, () => 409)]);
    expect((await add()).status).toBe(409);
    const { body } = await group(await app.register(), anna);
    expect(body).toMatchObject({ details: [{ field: 'participant_ids', message: anna.id }] });
  });

  it('can create one more, and another one after leaving one', async () => {
    const make = () =>
      app.request<{ id: string }>('POST', 'chats', anna.token, {
        type: 'group',
        participant_ids: [boris.id],
      });
    const { status, body } = await make();
    expect([status, (await make()).status]).toEqual([201, 409]);
    await app.request('DELETE', `chats/${body.id}/members/${anna.id}`, anna.token);
    expect((await make()).status).toBe(201);
  });
});

describe('groups to which a stranger adds a user', () => {
  const remove = (id: string) => app.request('DELETE', `chats/${id}/members/${anna.id}`, boris.token);

  const inGroups = (count: number, addedBy: string) =>
    app.rows(
      `WITH groups AS (
         INSERT INTO chats (id, type, member_count) SELECT gen_random_uuid(), 'group', 1 FROM generate_series(1, $2::int)
         RETURNING id)
       INSERT INTO chat_members (chat_id, user_id, added_by) SELECT id, $1, ${addedBy} FROM groups`,
      [anna.id, count],
    );

  it('are 25 of one stranger, however many at once, without those in which the user wrote', async () => {
    await inGroups(23, `'${boris.id}'`);
    const made = await Promise.all([1, 2, 3, 4].map(() => group(anna)));
    expect(made.map(({ status }) => status).sort((a, b) => a - b)).toEqual([201, 201, 409, 409]);
    const [first, second] = made.filter(({ status }) => status === 201).map(({ body }) => body.id);
    await app.ask(anna, `POST chats/${first}/messages`, { type: 'text', content: 'x' });
    expect([(await group(anna)).status, (await group(anna)).status]).toEqual([201, 409]);
    const add = (id: string) =>
      app.request('POST', `chats/${id}/members`, boris.token, { user_ids: [anna.id] });
    await remove(second!);
    expect((await add(second!)).status).toBe(201);
    const { body } = await group(await app.register());
    expect((await add(body.id)).status).toBe(409);
  });

  it('are a hundred in all, and use up none of the groups of the user and of friends', async () => {
    await inGroups(998, 'NULL');
    await inGroups(100, 'gen_random_uuid()');
    const vera = await app.register();
    await befriend(anna, vera);
    expect((await group(anna)).status).toBe(409);
    expect((await groupBy(vera, anna)).status).toBe(201);
    expect((await groupBy(anna, boris)).status).toBe(201);
    expect((await groupBy(vera, anna)).status).toBe(409);
    expect((await groupBy(anna, boris)).status).toBe(409);
    // A group in which the user writes still counts among all.
    await app.rows('UPDATE chat_members SET added_by = NULL WHERE user_id = $1 AND added_by IS NOT NULL', [
      anna.id,
    ]);
    expect((await group(anna)).status).toBe(409);
  });
});

it('a user with 9,999 posts can write or repost one more', async () => {
  const others = (await app.request<PostDto>('POST', 'posts', boris.token, { content: 'x' })).body;
  await app.rows(
    `INSERT INTO posts (id, author_id, content) SELECT gen_random_uuid(), $1, 'x' FROM generate_series(1, 9999)`,
    [anna.id],
  );
  const post = () => app.request<PostDto>('POST', 'posts', anna.token, { content: 'x' });
  const repost = () => app.request('POST', `posts/${others.id}/repost`, anna.token, {});
  expect(await statuses([post(), post(), repost()])).toEqual([201, 409, 409]);
  const [{ id }] = (await app.rows<{ id: string }>('SELECT id FROM posts WHERE author_id = $1 LIMIT 1', [
    anna.id,
  ])) as [{ id: string }];
  await app.request('DELETE', `posts/${id}`, anna.token);
  expect((await post()).status).toBe(201);
});

it('repeated blocks of one user are limited, blocks of others are not', async () => {
  const limited = await TestApp.start({ REACH_RATE: '12' });
  const [vera, gleb, dora] = await limited.people('Вера', 'Глеб', 'Дора');
  const block = async (method: string, blocked: Account) => {
    const { status } = await limited.request(method, `users/${blocked.id}/block`, vera.token);
    return status;
  };
  const answers = [];
  for (const method of ['PUT', 'DELETE', 'PUT', 'DELETE']) answers.push(await block(method, gleb));
  expect(answers).toEqual([204, 204, 429, 429]);
  expect(await block('PUT', dora)).toBe(204);
  await limited.stop();
});
