import { DatabaseSession, TestApp, type Account } from '#testing';

const SERVICE = { name: 'Стрижка', price: 1000, duration: 60 };
/** More than may be added to groups in a day. */
const CROWD = 30;

let app: TestApp;
let blocker: DatabaseSession;
let greedy: Account;
let manyPeople: string[];
/** Ids by their names in the paths. */
const ids: Record<string, string> = {};
beforeAll(async () => {
  app = await TestApp.start({ REACH_RATE: '1' });
  blocker = await DatabaseSession.at(app.databaseUrl);
  const honest = await app.register('Анна');
  greedy = await app.register('Глеб');
  manyPeople = await app.manyPeople(CROWD);
  const post = await app.request<{ id: string }>('POST', 'posts', honest.token, { content: 'x' });
  ids.post = post.body.id;
  ids.group = (await app.group(greedy, honest)).id;
});
afterEach(() => blocker.query('ROLLBACK'));
afterAll(async () => {
  await blocker.end();
  await app.stop();
});

type Asked = [method: string, path: string, body: (i: number) => object, lock?: string];
const person = (i: number) => manyPeople[i]!;
it.each<Asked>([
  ['POST', 'chats', (i) => ({ type: 'direct', participant_ids: [person(i)] }), 'NO KEY UPDATE'],
  ['POST', 'chats', (i) => ({ type: 'group', participant_ids: [person(i)], title: 'x' })],
  ['POST', 'chats/{group}/members', (i) => ({ user_ids: [person(i)] })],
  ['POST', 'friends/requests', (i) => ({ user_id: person(i) })],
  ['POST', 'posts/{post}/comments', (i) => ({ content: `${i}` })],
  ['POST', 'posts', (i) => ({ content: `${i}` })],
  ['POST', 'posts/{post}/repost', () => ({ content: '' })],
  ['POST', 'services', () => SERVICE],
  ['PATCH', 'users/me', (i) => ({ name: `Глеб ${i}` })],
])('%s %s: a request over the limit takes no lock', async (method, path, body, lock = 'UPDATE') => {
  const to = path.replace(/\{(\w+)\}/, (_, name: string) => ids[name]!);
  const ask = async (i: number) => (await app.request(method, to, greedy.token, body(i))).status;
  let i = 0;
  while ((await ask(i)) !== 429) i += 1;
  await blocker.query('BEGIN');
  // An existing direct chat is looked up first, as long as nobody is being banned.
  for (const table of ['users', 'posts', 'chats']) await blocker.query(`SELECT FROM ${table} FOR ${lock}`);
  const pairs = manyPeople.map((id) => [greedy.id, id].sort().join(':'));
  await blocker.query(
    'SELECT pg_advisory_xact_lock(hashtextextended(pair, 0)) FROM unnest($1::text[]) AS pair',
    [pairs],
  );
  expect(await ask(i + 1)).toBe(429);
});
