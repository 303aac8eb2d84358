import { encodeCursor } from '#platform';
import { codeOf, startIdentity, type Identity } from '../test-identity.js';
import { FindUser } from './find-user.query.js';
import { ListUsers } from './list-users.query.js';

let identity: Identity;
let viewer: string;
const ids = new Map<string, string>();

beforeAll(async () => {
  identity = await startIdentity();
  viewer = (await identity.register('Viewer')).user.id;
  const names = [
    'Анна Иванова',
    'анна',
    'Борис',
    'ЁЖ',
    'Zoe',
    'adam_x',
    '100% Master',
    'Back\\slash',
    'Иван',
  ];
  for (const name of names) ids.set(name, (await identity.register(name)).user.id);
  const banned = await identity.register('Анна Banned');
  await identity.prisma.user.update({ where: { id: banned.user.id }, data: { bannedAt: new Date() } });
});
afterAll(() => identity.stop());

const list = (query?: string, limit = 50, cursor?: string) =>
  identity.queries.execute(new ListUsers(query, limit, cursor, viewer));
const names = async (query?: string) => (await list(query)).items.map(({ name }) => name);

it('lists everybody else by name, without the banned', async () => {
  const byName = [...ids.keys()].sort((a, b) =>
    Buffer.compare(Buffer.from(a.toLowerCase()), Buffer.from(b.toLowerCase())),
  );
  expect(await names()).toEqual(byName);
  expect(await names('  ')).toEqual(byName);
});

it.each([
  ['ванов', ['Анна Иванова']],
  ['АННА', ['анна', 'Анна Иванова']],
  ['anna_iv', ['Анна Иванова']],
  [' ёж ', ['ЁЖ']],
  ['а', ['анна', 'Анна Иванова']],
  ['ив', ['Иван']],
  ['bo', ['Борис']],
  ['zo', ['Zoe']],
  ['%', []],
  ['__', []],
  ['0%', []],
  ['00%', []],
  ['100%', ['100% Master']],
  ['100', ['100% Master']],
  ['k\\s', []],
  ['ack\\sl', ['Back\\slash']],
  ['m_x', []],
  ['dam_x', ['adam_x']],
  ['a__', []],
  ['nobody at all', []],
])('finds by %j: %j', async (query, found) => {
  expect(await names(query)).toEqual(found);
});

it('pages through all without a gap or a double, also when names are the same', async () => {
  const same = await Promise.all(Array.from({ length: 7 }, () => identity.register('Same Name')));
  const seen: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await list('same', 3, cursor);
    seen.push(...page.items.map(({ id }) => id));
    cursor = page.next_cursor ?? undefined;
  } while (cursor);
  expect(seen).toEqual(same.map(({ user }) => user.id).sort());
  const pages = [await list('', 5)];
  while (pages.at(-1)!.next_cursor) pages.push(await list('', 5, pages.at(-1)!.next_cursor!));
  const all = pages.flatMap(({ items }) => items.map(({ id }) => id));
  expect(all).toEqual((await list('', 200)).items.map(({ id }) => id));
  expect(new Set(all).size).toBe(ids.size + 7);
});

it.each([
  'x',
  encodeCursor(['name', 'no-id']),
  encodeCursor([1, 2]),
  encodeCursor(['a\0', '01a1fb90-3fb5-7693-8f84-3eea6028c9d7']),
])('refuses %j as a cursor', async (cursor) => {
  expect(await codeOf(list('', 5, cursor))).toBe('INVALID_DATA');
});

it('uses the indexes for a prefix and for a part', async () => {
  const plan = async (condition: string) => {
    const rows = await identity.prisma.$transaction(async (tx) => {
      await tx.$executeRaw`SET LOCAL enable_seqscan = off`;
      return tx.$queryRawUnsafe<Record<string, string>[]>(
        `EXPLAIN SELECT id FROM users WHERE ${condition} ORDER BY lower(name) USING ~<~, id LIMIT 51`,
      );
    });
    return rows.map((line) => line['QUERY PLAN']).join('\n');
  };
  expect(await plan(`lower(name || ' ' || handle) LIKE lower('%ivan%')`)).toMatch(/Bitmap Index Scan/);
  expect(await plan('true')).not.toMatch(/Sort/);
});

it('finds one user as anybody may see them, and no banned one', async () => {
  const id = ids.get('Борис')!;
  expect(await identity.queries.execute(new FindUser(id, viewer))).toEqual({
    id,
    name: 'Борис',
    handle: 'boris',
    avatar: null,
    is_master: false,
    last_seen: null,
  });
  const banned = await identity.prisma.user.findFirstOrThrow({ where: { name: 'Анна Banned' } });
  for (const missing of [banned.id, crypto.randomUUID()])
    expect(await codeOf(identity.queries.execute(new FindUser(missing, viewer)))).toBe('NOT_FOUND');
});
