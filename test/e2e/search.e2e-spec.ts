import type { ChatDto, MessagePage } from '#contracts';
import { expectStatus, TestApp, text, type Account } from '#testing';
import fc from 'fast-check';

let app: TestApp;
let anna: Account;
let boris: Account;
let chat: ChatDto;
beforeAll(async () => {
  app = await TestApp.start();
  [anna, boris] = await app.people('Анна', 'Борис');
  chat = await app.group(anna, boris);
});
afterAll(() => app.stop());

type Found = { id: string; name: string; content: string };

/** A fixed seed: the same cases on each run. */
const SEED = { seed: 20261128 };

const found = async (path: string, query: string): Promise<Found[]> => {
  const search = `${path}?query=${encodeURIComponent(query)}&limit=200`;
  return expectStatus(await app.request<{ items: Found[] }>('GET', search, anna.token), 200).items;
};
const messages = () => `chats/${chat.id}/messages/search`;

/** The composed and the decomposed form, if they differ. */
const forms = (text: string) => [...new Set([text.normalize('NFC'), text.normalize('NFD')])];

/** Tests need hundreds of users: a registration of each would hash a password. */
const storeUsers = (names: string[]) =>
  app.rows(
    `INSERT INTO users (id, email, password_hash, name, handle)
     SELECT gen_random_uuid(), gen_random_uuid() || '@example.com', '', name, left(md5(gen_random_uuid()::text), 12)
     FROM unnest($1::text[]) AS name`,
    [names],
  );
const storeServices = (names: string[]) =>
  app.rows(
    `INSERT INTO services (id, master_id, name, price, duration)
     SELECT gen_random_uuid(), $2, name, 1, 60 FROM unnest($1::text[]) AS name`,
    [names, boris.id],
  );
const storeMessages = async (contents: string[]) => {
  await app.rows(
    `INSERT INTO messages (id, chat_id, seq, sender_id, type, content, created_at)
     SELECT gen_random_uuid(), $2, last_seq + i, $3, 'text', content, now()
     FROM chats, unnest($1::text[]) WITH ORDINALITY AS contents (content, i) WHERE id = $2`,
    [contents, chat.id, anna.id],
  );
  await app.rows(
    'UPDATE chats SET last_seq = (SELECT max(seq) FROM messages WHERE chat_id = $1) WHERE id = $1',
    [chat.id],
  );
};

const PLACES = [
  ['users', () => 'users', storeUsers, ({ name }: Found) => name],
  ['services', () => 'services', storeServices, ({ name }: Found) => name],
  ['messages', messages, storeMessages, ({ content }: Found) => content],
] as const;

describe.each(PLACES)('%s', (_, path, store, shown) => {
  it.each([
    ['Андрей Зуёв', ['андрей', 'Андрей', 'зуев', 'ЗУЁВ', 'Зуёв', 'Зуёв Андрей', 'зуев  андрей']],
    ['Иоанн Гладкий', ['Гладкий']],
    ['José Muñoz', ['jose', 'JOSÉ', 'José', 'munoz', 'Muñoz josé']],
    ['Straße Müller', ['STRASSE', 'straße', 'muller müller', 'MÜLLER']],
    ['İstanbul Işık', ['istanbul', 'ISTANBUL', 'İSTANBUL', 'işık', 'IŞIK', 'isik']],
    ['Łukasz Øvind', ['lukasz', 'ŁUKASZ', 'ovind']],
    [
      'Съёмка\u00A0вечером',
      ['съемка вечером', 'вечером\u00A0съёмка', 'съёмка  вечером', 'съёмка\u3000вечером'],
    ],
    ['Виктор  Ли', ['Ли', 'ли виктор', 'виктор\u00A0ли']],
    ['O’Brien-Smith', ["o'brien", 'OʼBrien', 'brien–smith', 'brien\u2011smith']],
    ['ＦＵＬＬ ｗｉｄｔｈ', ['full', 'WIDTH FULL', 'ｆｕｌｌ']],
    ['ﬁne №5', ['fine', 'FINE №5', '№ 5', '5']],
    ['Замо\u0301к', ['замок']],
    ['Мани\u00ADкюр \u200Bновый', ['маникюр', 'новый маникюр']],
    ['100%_sure', ['100%', '%_sure', '100%_SURE']],
    ['🌸 🌺', ['🌸', '🌺 🌸']],
    ['Роза 🌷 Ян', ['ян 🌷', '🌷 роза', 'роза ян']],
  ])('%s is found by other spellings, and shown as typed', async (stored, queries) => {
    const typed = forms(stored);
    await store(typed);
    for (const query of queries.flatMap(forms))
      expect([query, (await found(path(), query)).map(shown)]).toEqual([
        query,
        expect.arrayContaining(typed),
      ]);
  });

  it.each([
    ['Мой чай', ['мои', 'чаи', 'мои чай', 'мой чая']],
    ['Їжак', ['іжак']],
    ['Анна Каренина', ['анна вронская', 'ан_на', 'анн%', 'аннакаренина']],
  ])('%s is not found by other words', async (stored, queries) => {
    await store([stored]);
    for (const query of queries) expect((await found(path(), query)).map(shown)).not.toContain(stored);
  });

  it.each([
    ['Чистка (УЗ)', ['чистка уз', 'уз', '(уз)', 'УЗ)']],
    ['Маникюр «3D»', ['3d', '«3D', '3D маникюр']],
    ['SPA/ИК-уход', ['ик', 'ик-', 'ик уход', 'ик spa']],
    ['Мария-Ия', ['мария ия', 'ия', '-ия']],
    ['Анна (ВВ)', ['анна вв', 'вв']],
    ['«Ян»', ['ян', '«ян»']],
    ['Вера-Ли Ёжик', ['ежик ли', 'ли']],
    ['नमस्ते, हि', ['हि', 'नमस्ते']],
    ['Кабинет №7', ['7', '№7', '№ 7', 'кабинет 7']],
    ['Массаж 1½ часа', ['1', '1½', 'массаж 1 часа', '½ часа']],
  ])('%s is found by short words between its signs', async (stored, queries) => {
    await store([stored]);
    for (const query of queries)
      expect([query, (await found(path(), query)).map(shown)]).toEqual([
        query,
        expect.arrayContaining([stored]),
      ]);
  });

  it('any text is found by the words between its spaces, hyphens and brackets', async () => {
    const word = fc.string({ unit: fc.constantFrom(...LETTERS), minLength: 1, maxLength: 3 });
    const sign = fc.constantFrom(' ', '-', '(', ')', ' (', ') ', ' [', '—', '«', '» ', '/', ', ');
    const typed = fc
      .tuple(word, fc.array(fc.tuple(sign, word), { minLength: 1, maxLength: 4 }))
      .map(([first, rest]) => first + rest.flat().join(''));
    const names = fc.sample(fc.tuple(typed, fc.nat()), { ...SEED, numRuns: 40 });
    await store(names.map(([name]) => name));
    for (const [name, turn] of names) {
      const words = name.split(/[^\p{L}\p{N}]+/u);
      const query = [...words.slice(turn % words.length), ...words.slice(0, turn % words.length)].join(' ');
      expect([query, (await found(path(), query)).map(shown)]).toEqual([
        query,
        expect.arrayContaining([name]),
      ]);
    }
  });

  it('any text is found by any spelling of its words, in any order', async () => {
    const cases = fc.sample(fc.record({ typed: TYPED, spell: SPELL, turned: fc.boolean() }), {
      ...SEED,
      numRuns: 40,
    });
    await store(cases.map(({ typed }) => typed));
    for (const { typed, spell, turned } of cases) {
      const words = typed.split(/\s+/u).filter(Boolean);
      const query = spell((turned ? words.reverse() : words).slice(0, 10).join(' '));
      const names = (await found(path(), query)).map(shown);
      expect([query, names]).toEqual([query, expect.arrayContaining([typed])]);
    }
  });
});

it('PostgreSQL folds as the model in this file does', async () => {
  const texts = fc
    .sample(fc.tuple(TYPED, SPELL), { ...SEED, numRuns: 2000 })
    .map(([typed, spell]) => spell(typed));
  const rows = await app.rows<{ typed: string; once: string; twice: string }>(
    `SELECT typed, folded(typed) AS once, folded(folded(typed)) AS twice FROM unnest($1::text[]) AS typed`,
    [texts],
  );
  for (const { typed, once, twice } of rows)
    expect([typed, once, twice]).toEqual([typed, folded(typed), folded(typed)]);
});

it('search finds a message by its visible text, not by a link or an id', async () => {
  const [annaDevice] = await app.devices(anna);
  const url = 'https://storage.example.com/secret-garden/1.jpg';
  const send = async (type: string, content: string, metadata: object) =>
    (await annaDevice.send('chat:message:send', { chat_id: chat.id, type, content, metadata })).message_id;
  const location = await send('location', '55.7558,37.6173', {
    lat: 55.7558,
    lng: 37.6173,
    address: 'Тверская улица, дом Ёлкина',
  });
  await send('photo', url, { width: 1, height: 1 });
  await send('video', url, { duration: 1 });
  await send('voice', url, { duration: 1 });
  const profile = await send('profile_share', boris.id, {});
  const ids = async (query: string) => (await found(messages(), query)).map(({ id }) => id);
  expect(await ids('елкина тверская')).toEqual([location]);
  expect(await ids('Борис')).toEqual([profile]);
  const made = async (path: string, by: Account, body: object) =>
    (await app.request<Found>('POST', path, by.token, body)).body.id;
  const [askold] = await app.people('Аскольд');
  const post = await send('post_share', await made('posts', askold, { content: 'Привет' }), {});
  expect(await ids('аскольд')).toEqual([post]);
  const service_id = await made('services', anna, { name: 'Плетение косичек', price: 1, duration: 60 });
  const proposal = await send('booking_proposal', 'Записать вас?', { service_id });
  expect(await ids('записать плетение')).toEqual([proposal]);
  for (const query of ['secret-garden', 'storage', boris.id.slice(0, 8)])
    expect([query, await ids(query)]).toEqual([query, []]);
  await annaDevice.send('chat:message:send', text(chat, `look at ${url}`));
  expect((await found(messages(), 'secret-garden')).length).toBe(1);
  for (const query of ['\u0301', '\u200B', "'"]) {
    const { status, body } = await app.request<MessagePage>(
      'GET',
      `${messages()}?query=${encodeURIComponent(query)}`,
      anna.token,
    );
    expect([query, status === 400 || body.items.length]).toEqual([query, status === 400 || 0]);
  }
});

it('search finishes a page in time for the texts that are slowest to fold, and continues there', async () => {
  const large = await app.group(anna, boris);
  // 40 times as slow as 0.2 s per statement, and under 100 of the usual worst kind.
  await app.rows(
    `INSERT INTO messages (id, chat_id, seq, sender_id, type, content, created_at)
     SELECT gen_random_uuid(), $1, i, $2, 'text', CASE WHEN i > 40 THEN 'слово' || $4 ELSE $3 END, now()
     FROM generate_series(1, 140) AS i`,
    [large.id, anna.id, `https://a${'\u0301'.repeat(1900)}${'\u0316'.repeat(1900)}`, '\u{FDFA}'.repeat(3900)],
  );
  await app.rows('UPDATE chats SET last_seq = 140 WHERE id = $1', [large.id]);
  const seqs: number[] = [];
  let cursor = '';
  while (seqs.length < 100) {
    const path = `chats/${large.id}/messages/search?limit=40&query=${encodeURIComponent('слово')}${cursor}`;
    const { status, body } = await app.request<MessagePage>('GET', path, anna.token);
    expect(status).toBe(200);
    seqs.push(...body.items.map(({ seq }) => seq));
    cursor = `&cursor=${body.next_cursor!}`;
  }
  expect(seqs).toEqual(Array.from({ length: 100 }, (_, i) => 140 - i));
  expect(cursor).not.toBe('&cursor=null');
});

it.each([
  ['10,000 messages', 12_000, 1],
  ['2 MiB', 200, 4000],
])('search scans at most %s per call, and continues there', async (_, count, length) => {
  const large = await app.group(anna, boris);
  await app.rows(
    `INSERT INTO messages (id, chat_id, seq, sender_id, type, content, created_at)
     SELECT gen_random_uuid(), $1, i, $2, 'text', CASE i WHEN 1 THEN 'слово' ELSE repeat('😀', $4) END, now()
     FROM generate_series(1, $3::int) AS i`,
    [large.id, anna.id, count, length],
  );
  await app.rows('UPDATE chats SET last_seq = $2 WHERE id = $1', [large.id, count]);
  const search = async (cursor = '') => {
    const path = `chats/${large.id}/messages/search?query=${encodeURIComponent('слово')}${cursor}`;
    return (await app.request<MessagePage>('GET', path, anna.token)).body;
  };
  let page = await search();
  expect([page.items, page.next_cursor]).toEqual([[], expect.any(String)]);
  while (page.next_cursor) page = await search(`&cursor=${page.next_cursor}`);
  expect(page.items.map(({ seq }) => seq)).toEqual([1]);
});

it('both lists of users ignore an @ before a word', async () => {
  const lena = await app.register('Елена Дивная');
  await app.request('PATCH', 'users/me', lena.token, { handle: 'divnaya' });
  const [annaDevice] = await app.devices(anna);
  const older = await app.device(anna);
  for (const query of [
    '@divnaya',
    '@DIVN',
    ' @divnaya',
    '@елена',
    '@@divnaya',
    '＠divnaya',
    'дивная @елена',
  ]) {
    expect([query, (await found('users', query)).map(({ id }) => id)]).toEqual([query, [lena.id]]);
    expect((await annaDevice.send('users:list', { query })).items.map(({ id }) => id)).toEqual([lena.id]);
  }
  expect((await found('users', '@')).length).toBe((await found('users', '')).length);
  older.close();
});

const LETTERS = [...'абвеёжзийклмнЁЙЖШщъьюяЎўЇїІіabcdEFGhijkßıİłØéÉàçñöÅůŻ0123456789'];
const SIGNS = [...'.,!?«»-—’\'"()+:№&%_\\🌸👍'];
const WORD = fc
  .array(fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...LETTERS) }, fc.constantFrom(...SIGNS)), {
    minLength: 1,
    maxLength: 8,
  })
  .map((signs) => signs.join(''))
  .filter((word) => /[\p{L}\p{N}]/u.test(word));
const SPACE = fc.constantFrom(' ', '  ', '\u00A0', '\u2009', '\u3000');
const TYPED = fc
  .tuple(WORD, fc.array(fc.tuple(SPACE, WORD), { maxLength: 4 }), fc.constantFrom('NFC', 'NFD'))
  .map(([first, rest, form]) => (first + rest.flat().join('')).normalize(form));
const SPELL = fc.constantFrom<((text: string) => string)[]>(
  (text) => text.normalize('NFC'),
  (text) => text.normalize('NFD'),
  (text) => text.normalize('NFKD'),
  (text) => text.toUpperCase(),
  (text) => text.toLowerCase(),
  (text) => text.normalize('NFC').replaceAll('ё', 'е').replaceAll('Ё', 'Е'),
  (text) => text.replaceAll(' ', '\u00A0'),
  (text) => text.replaceAll(' ', '  '),
  (text) => text.replace(/[a-z]/g, (letter) => String.fromCodePoint(letter.codePointAt(0)! + 0xfee0)),
  (text) => text.replaceAll('’', "'"),
);

/** The search form that ADR 20 defines, for the letters above. */
function folded(typed: string): string {
  const bare = typed
    .replaceAll('№', '#')
    .replace(/[¼-¾⅐-⅟]/gu, ' $&')
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll('ß', 'ss')
    .normalize('NFC');
  return [...bare]
    .map((letter) => ('йўї'.includes(letter) ? letter : letter.normalize('NFD').replace(/\p{M}/gu, '')))
    .join('')
    .replace(/['’]/g, '')
    .replaceAll('—', '-')
    .replace(/[ıłø]/g, (letter) => ({ ı: 'i', ł: 'l', ø: 'o' })[letter]!);
}
