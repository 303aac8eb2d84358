import { encodeCursor } from '#platform';
import { codeOf, startIdentity, type Identity } from '../test-identity.js';
import { GetUser } from './get-user.query.js';
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
/** Folded as far as these names need it. */
const folded = (text: string) => text.toLowerCase().replaceAll('ё', 'е');
const names = async (query?: string) => (await list(query)).items.map(({ name }) => name);

it('lists everybody else by name, without banned users', async () => {
  const byName = [...ids.keys()].sort((a, b) =>
    Buffer.compare(Buffer.from(folded(a)), Buffer.from(folded(b))),
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
  ['ив', ['Анна Иванова', 'Иван']],
  ['ва', []],
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

it('pages through all without a gap or a duplicate, also among equal names', async () => {
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

it('lists the user of that handle first, and everybody once, however small the pages', async () => {
  const exact = await identity.register('Яна Queue');
  await identity.prisma.user.update({ where: { id: exact.user.id }, data: { handle: 'queue' } });
  const others = await Promise.all(
    ['Queue A', 'Queue B', 'Я Queue', 'Ян Queue'].map((n) => identity.register(n)),
  );
  const expected = [others[0]!, others[1]!, others[2]!, others[3]!].map(({ user }) => user.id);
  for (const query of ['queue', '@QUEUE', ' ＠queue '])
    for (const limit of [1, 2, 3, 50]) {
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await list(query, limit, cursor);
        expect(page.items.length).toBeLessThanOrEqual(limit);
        seen.push(...page.items.map(({ id }) => id));
        cursor = page.next_cursor ?? undefined;
      } while (cursor);
      expect(seen).toEqual([exact.user.id, ...expected]);
    }
  // For oneself, or by a part of the handle, the order is by name.
  const { items } = await identity.queries.execute(new ListUsers('queue', 50, undefined, exact.user.id));
  expect(items.map(({ id }) => id)).toEqual(expected);
  expect((await list('queu')).items.at(-1)!.id).toBe(exact.user.id);
});

it('pages through the longest names', async () => {
  const long = await Promise.all(['🌸', '\u{FDFA}', '"'].map((sign) => identity.register(sign.repeat(100))));
  let [cursor, seen]: [string | undefined, string[]] = [undefined, []];
  do {
    const page = await list('', 1, cursor);
    seen = [...seen, page.items[0]!.id];
    cursor = page.next_cursor ?? undefined;
    expect(cursor?.length ?? 0).toBeLessThanOrEqual(512);
  } while (cursor);
  expect(seen).toEqual(expect.arrayContaining(long.map(({ user }) => user.id)));
});

it('finds one user with the public fields, and no banned one', async () => {
  const id = ids.get('Борис')!;
  expect(await identity.queries.execute(new GetUser(id, viewer))).toEqual({
    id,
    name: 'Борис',
    handle: 'boris',
    avatar: null,
    is_master: false,
    last_seen: null,
  });
  const banned = await identity.prisma.user.findFirstOrThrow({ where: { name: 'Анна Banned' } });
  for (const missing of [banned.id, crypto.randomUUID()])
    expect(await codeOf(identity.queries.execute(new GetUser(missing, viewer)))).toBe('NOT_FOUND');
});
