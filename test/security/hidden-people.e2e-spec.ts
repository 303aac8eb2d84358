import { TestApp, type Account, type Reply } from '#testing';
import { randomUUID } from 'node:crypto';

/** A person whom the asker cannot see, with a post and a service. Nothing of the unknown person exists. */
interface Hidden {
  id: string;
  handle: string;
  post: string;
  service: string;
}

const SERVICE = { name: 'Стрижка', price: 1000, duration: 60 };
const FULL = 100;

let app: TestApp;
let blocker: Account;
let neutral: Account;
let hidden: Record<'blocker' | 'banned' | 'unknown', Hidden>;
let seen: string[];
let handles: string[];
let post: string;
beforeAll(async () => {
  app = await TestApp.start({
    REACH_RATE: '10',
    REST_WRITE_RATE: '10000',
    MESSAGE_RATE: '1',
    MESSAGE_BURST: '20',
  });
  const [first, banned, third] = await app.people('Борис', 'Вера', 'Глеб');
  [blocker, neutral] = [first, third];
  seen = await app.manyPeople(10);
  handles = (await app.rows<{ handle: string }>('SELECT handle FROM users WHERE id = ANY($1)', [seen])).map(
    ({ handle }) => handle,
  );
  hidden = {
    blocker: await withThings(blocker),
    banned: await withThings(banned),
    unknown: { id: randomUUID(), handle: 'nobody_at_all', post: randomUUID(), service: randomUUID() },
  };
  post = (await app.ask(neutral, 'POST posts', { content: 'x' })).id;
  await app.rows('UPDATE users SET banned_at = now() WHERE id = $1', [banned.id]);
});
afterAll(() => app.stop());

async function withThings(owner: Account): Promise<Hidden> {
  const [row] = await app.rows<{ handle: string }>('SELECT handle FROM users WHERE id = $1', [owner.id]);
  const { id } = await app.ask(owner, 'POST posts', { content: 'x' });
  const service = await app.ask(owner, 'POST services', SERVICE);
  return { id: owner.id, handle: row!.handle, post: id, service: service.id };
}

/** Without a request: blocks have a limit, too. */
const block = (asker: Account) =>
  app.rows('INSERT INTO blocks (blocker_id, blocked_id) VALUES ($1, $2)', [blocker.id, asker.id]);

type Request = [route: string, body?: object];
interface Asking {
  group: string;
}

/** Writes that name somebody, each with a write that uses up its limit. Booking requests of hidden people count for none. */
const WRITES: Record<
  string,
  [write: (to: Hidden, own: Asking) => Request, spend?: (i: number, own: Asking) => Request]
> = {
  follow: [({ id }) => [`PUT users/${id}/follow`], () => [`PUT users/${randomUUID()}/follow`]],
  'friend request': [
    ({ id }) => ['POST friends/requests', { user_id: id }],
    () => ['POST friends/requests', { user_id: randomUUID() }],
  ],
  'direct chat': [
    ({ id }) => ['POST chats', { type: 'direct', participant_ids: [id] }],
    (i) => ['POST chats', { type: 'direct', participant_ids: [seen[i]] }],
  ],
  group: [
    ({ id }) => ['POST chats', { type: 'group', title: 'x', participant_ids: [id] }],
    () => ['POST chats', { type: 'group', title: 'x', participant_ids: [randomUUID()] }],
  ],
  'new member': [
    ({ id }, { group }) => [`POST chats/${group}/members`, { user_ids: [id] }],
    (_, { group }) => [
      `POST chats/${group}/members`,
      { user_ids: Array.from({ length: FULL }, () => randomUUID()) },
    ],
  ],
  'shared profile': [
    ({ id }, { group }) => [`POST chats/${group}/messages`, { type: 'profile_share', content: id }],
    (_, { group }) => [`POST chats/${group}/messages`, { type: 'text', content: 'x' }],
  ],
  'shared post': [
    (to, { group }) => [`POST chats/${group}/messages`, { type: 'post_share', content: to.post }],
    (_, { group }) => [`POST chats/${group}/messages`, { type: 'text', content: 'x' }],
  ],
  like: [(to) => [`PUT posts/${to.post}/like`], () => [`PUT posts/${randomUUID()}/like`]],
  comment: [
    (to) => [`POST posts/${to.post}/comments`, { content: 'x' }],
    () => [`POST posts/${post}/comments`, { content: 'x' }],
  ],
  repost: [(to) => [`POST posts/${to.post}/repost`, {}], () => ['POST posts', { content: 'x' }]],
  mention: [
    ({ handle }) => ['POST posts', { content: `@${handle}` }],
    () => ['POST posts', { content: handles.map((handle) => `@${handle}`).join(' ') }],
  ],
  'booking request': [
    (to) => ['POST bookings', { service_id: to.service, starts_at: '2030-01-07T10:00:00Z' }],
  ],
};

const ask = (
  { token }: Account,
  [route, body]: Request,
): Promise<Reply<{ code?: string; reason?: string }>> => {
  const [method, path] = route.split(' ') as [string, string];
  return app.request(method, path, token, body);
};

it.each(Object.keys(WRITES))(
  '%s: answers alike for a blocker, a banned and an unknown person, also over the limit',
  async (name) => {
    const [write, spend] = WRITES[name]!;
    const asker = await app.register('Анна');
    await block(asker);
    const own = { group: (await app.group(asker, neutral)).id };
    const answers = async () => {
      const all: string[] = [];
      for (const one of Object.values(hidden)) {
        const { status, body } = await ask(asker, write(one, own));
        all.push([status, body.code, body.reason].join(' '));
      }
      return all;
    };
    expect(new Set(await answers()).size).toBe(1);
    if (!spend) return;
    let last = 0;
    for (let i = 0; i < 200 && last !== 429; i++) last = (await ask(asker, spend(i, own))).status;
    expect(last).toBe(429);
    expect(new Set(await answers()).size).toBe(1);
  },
);

it('a blocked user may report and block the blocker, whom they cannot see', async () => {
  const asker = await app.register('Анна');
  await block(asker);
  expect((await ask(asker, [`GET users/${blocker.id}`])).status).toBe(404);
  const report = { kind: 'user', target_id: blocker.id, reason: 'spam' };
  expect((await ask(asker, ['POST reports', report])).status).toBe(201);
  expect((await ask(asker, [`PUT users/${blocker.id}/block`])).status).toBeLessThan(300);
});
