import { TestApp, type Account } from '#testing';
import { randomUUID } from 'node:crypto';

let app: TestApp;
let anna: Account;
beforeAll(async () => {
  app = await TestApp.start();
  anna = await app.register('Анна');
  await app.rows(`UPDATE users SET role = 'admin' WHERE id = $1`, [anna.id]);
});
afterAll(() => app.stop());

const made = (...keys: unknown[]) => Buffer.from(JSON.stringify(keys)).toString('base64url');
const id = randomUUID();
const CURSORS = [
  ...[made(1e12, 'x'), made(1e12, id), made(7.9e15, id), made(1e12, ''), made(1e12, `${id}'`), made(1, 2)],
  ...[
    made(5),
    made(7.9e15),
    made(1e300),
    made(0.5),
    made(-1, id),
    made('x'),
    made(''),
    made(id),
    made(`${id} `),
  ],
  ...[made('x', 'y'), made('x', id), made(id, id), made('x', '', '', ''), made('x', '1:1:', '1:1:', 'y')],
  ...[
    made([1], 'x'),
    made({}),
    made(null, null),
    made(),
    made("'; DROP TABLE users;--"),
    '!!!',
    'null',
    'W10',
  ],
];

it('a cursor that no list issued is never an internal error', async () => {
  const other = await app.register('Борис');
  const chat = await app.chat(anna, other);
  const post = await app.request<{ id: string }>('POST', 'posts', anna.token, { content: 'x' });
  const service = await app.request<{ id: string }>('POST', 'services', anna.token, {
    name: 'Маникюр',
    price: 1,
    duration: 60,
  });
  const sent = await app.request<{ message_id: string }>('POST', `chats/${chat.id}/messages`, anna.token, {
    type: 'text',
    content: 'x',
  });
  const known: [RegExp, string][] = [
    [/chats\/\{\w+\}/, `chats/${chat.id}`],
    [/messages\/\{\w+\}/, `messages/${sent.body.message_id}`],
    [/posts\/\{\w+\}/, `posts/${post.body.id}`],
    [/services\/\{\w+\}/, `services/${service.body.id}`],
    [/\{\w+\}/, anna.id],
  ];
  const { paths } = (await (await fetch(`${app.url}/docs-json`)).json()) as {
    paths: Record<string, { get?: { parameters?: { name: string }[] } }>;
  };
  const lists = Object.entries(paths).filter(([, { get }]) =>
    get?.parameters?.some(({ name }) => name === 'cursor'),
  );
  const broken: unknown[] = [];
  const others: Record<string, string> = {
    query: 'xyz',
    from: '2030-01-01T00:00:00Z',
    to: '2030-01-02T00:00:00Z',
  };
  for (const [path, { get }] of lists) {
    const names = get!.parameters!.map(({ name }) => name).filter((name) => name in others);
    const address = known.reduce((sofar, [pattern, value]) => sofar.replace(pattern, value), path);
    for (const cursor of CURSORS) {
      const query = [`cursor=${cursor}`, ...names.map((name) => `${name}=${others[name]}`)].join('&');
      const { status } = await app.request('GET', `${address}?${query}`, anna.token);
      if (status >= 500) broken.push([path, cursor, status]);
    }
  }
  expect(lists.length).toBeGreaterThan(17);
  expect(broken).toEqual([]);
});
