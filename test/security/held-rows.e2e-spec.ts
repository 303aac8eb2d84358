import type { ChatDto, LikeAnswer, PostDto } from '#contracts';
import { DatabaseSession, text, TestApp, until, type Account } from '#testing';

let app: TestApp;
let blocker: DatabaseSession;
let anna: Account;
let boris: Account;
beforeAll(async () => {
  app = await TestApp.start();
  blocker = await DatabaseSession.at(app.databaseUrl);
  [anna, boris] = await app.people('Анна', 'Борис');
});
beforeEach(() => blocker.query('BEGIN'));
afterEach(() => blocker.query('ROLLBACK'));
afterAll(async () => {
  await blocker.end();
  await app.stop();
});

const waiting = (count: number) => until(`${count} wait`, async () => (await blocker.waiters()) === count);
const post = async ({ token }: Account) =>
  (await app.request<PostDto>('POST', 'posts', token, { content: 'x' })).body.id;
const like = (postId: string, { token }: Account, method = 'PUT') =>
  app.request<LikeAnswer>(method, `posts/${postId}/like`, token);

describe('a block, and its end, whose notifications take long', () => {
  let chat: ChatDto;
  beforeAll(async () => {
    chat = await app.chat(anna, boris);
    await like(await post(anna), boris);
    await until('Anna is notified', async () => (await app.rows('SELECT FROM notifications')).length > 0);
  });

  it.each(['PUT', 'DELETE'])('keep nobody from sending (%s)', async (method) => {
    const [vera, gleb] = await app.people('Вера', 'Глеб');
    const other = await app.chat(vera, gleb);
    const [device, honest] = [await app.device(boris), await app.device(vera)];
    await blocker.query('SELECT FROM notifications FOR UPDATE');
    const changed = app.request(method, `users/${anna.id}/block`, boris.token);
    await waiting(1);
    const [sent, ok] = await Promise.all([
      device.send('chat:message:send', text(chat)),
      honest.send('chat:message:send', text(other)),
    ]);
    expect([sent.code, ok.status]).toEqual([method === 'PUT' ? 'FORBIDDEN' : undefined, 'sent']);
    await waiting(1);
    await blocker.query('COMMIT');
    expect((await changed).status).toBeLessThan(300);
    expect(await app.rows(`SELECT FROM outbox_jobs WHERE name = 'reconcile-block'`)).toEqual([]);
    const [count] = await app.rows<{ hidden: boolean }>('SELECT hidden FROM notifications');
    expect(count).toEqual({ hidden: method === 'PUT' });
  });
});

it('a deleted comment, whose notifications take long, keeps nobody from its post, and they are hidden', async () => {
  const held = await post(anna);
  const [found] = await app.rows<{ handle: string }>('SELECT handle FROM users WHERE id = $1', [anna.id]);
  const comment = { content: `Привет, @${found!.handle}` };
  const { body } = await app.request<{ id: string }>('POST', `posts/${held}/comments`, boris.token, comment);
  const about = () =>
    app.rows<{ hidden: boolean }>(`SELECT hidden FROM notifications WHERE data->>'comment_id' = $1`, [
      body.id,
    ]);
  await until('Anna is notified', async () => (await about()).length > 0);
  await blocker.query('SELECT FROM notifications FOR UPDATE');
  const deleted = app.request('DELETE', `posts/${held}/comments/${body.id}`, boris.token);
  await waiting(1);
  expect((await like(held, boris)).body.liked).toBe(true);
  await blocker.query('COMMIT');
  expect((await deleted).status).toBe(204);
  expect(await about()).toEqual([{ hidden: true }]);
  expect(await app.rows(`SELECT FROM outbox_jobs WHERE name = 'revise-notifications'`)).toEqual([]);
});

it('likes of a post that is being changed keep nobody from liking others, and stay in order', async () => {
  const [held, free] = [await post(anna), await post(anna)];
  await blocker.query('SELECT FROM posts WHERE id = $1 FOR UPDATE', [held]);
  const [vera] = await app.people('Вера');
  const first = like(held, boris);
  await waiting(1);
  const others = [like(held, vera), like(held, boris, 'DELETE')];
  expect((await like(free, boris)).body).toEqual({ liked: true, likes_count: 1 });
  expect((await like(vera.id, boris)).status).toBe(404);
  await waiting(1);
  await blocker.query('COMMIT');
  expect((await first).body).toEqual({ liked: true, likes_count: 1 });
  const [liked, undone] = await Promise.all(others);
  expect([liked!.body.liked, undone!.body.liked]).toEqual([true, false]);
  expect((await like(held, vera)).body).toEqual({ liked: true, likes_count: 1 });
});

it('likes that are taken back keep nobody from liking, while their notifications are locked', async () => {
  const [held, free] = [await post(anna), await post(anna)];
  await like(held, boris);
  const isNotified = () => app.rows(`SELECT FROM notifications WHERE data->>'post_id' = $1`, [held]);
  await until('Anna is notified', async () => (await isNotified()).length > 0);
  await blocker.query('SELECT FROM notifications FOR UPDATE');
  const undone = like(held, boris, 'DELETE');
  const again = like(held, boris);
  await waiting(1);
  expect((await like(free, boris)).body).toEqual({ liked: true, likes_count: 1 });
  await waiting(1);
  await blocker.query('COMMIT');
  expect((await undone).body).toEqual({ liked: false, likes_count: 0 });
  expect((await again).body).toEqual({ liked: true, likes_count: 1 });
});

it('likes of a post that is being deleted find no post', async () => {
  const id = await post(anna);
  await blocker.query('DELETE FROM posts WHERE id = $1', [id]);
  const liked = like(id, boris);
  await waiting(1);
  await blocker.query('COMMIT');
  expect((await liked).status).toBe(404);
});
