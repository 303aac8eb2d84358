import fc from 'fast-check';
import { handlesIn } from './mentions.js';

it.each<[string, string[]]>([
  ['Привет, @anna!', ['anna']],
  ['@anna', ['anna']],
  ['(@anna_2, @BORIS; @vera.)', ['anna_2', 'boris', 'vera']],
  ['@anna и @Anna и снова @ANNA', ['anna']],
  ['anna@example.com, а@anna', []],
  ['@@anna @anna@boris', []],
  ['@ab @', []],
  [`@${'a'.repeat(30)} @${'b'.repeat(31)}`, ['a'.repeat(30)]],
  ['@аня @annaя', []],
  ['без имён', []],
])('%j mentions %j', (text, handles) => {
  expect(handlesIn(text)).toEqual(handles);
});

it('reads at most twenty mentions', () => {
  const text = Array.from({ length: 25 }, (_, i) => `@user_${i}`).join(' ');
  expect(handlesIn(`${text} @user_0`)).toEqual(Array.from({ length: 20 }, (_, i) => `user_${i}`));
});

it.each([
  ...[
    'https://t.me/@anna',
    'http://localhost:3000/@anna',
    'HTTPS://T.ME/@anna!',
    'ftp://a/@anna',
    'tg://resolve?domain=@anna',
  ],
  ...[
    'https://medium.com/@anna/post-1?by=@anna',
    'https://x.com/intent?text=hi,@anna',
    'https://my_bucket/@anna',
  ],
  ...[
    'https://x.y/(@anna)',
    'http://[::1]/@anna',
    'http://192.168.0.1/@anna',
    'https://user:@anna/',
    '//host/@anna',
  ],
  ...[
    't.me/@anna',
    'medium.com/@anna/post',
    'mastodon.social/@anna',
    'пример.рф/@anna',
    'пример.онлайн/@anna',
    'a.b?u=@anna',
  ],
  ...[
    'localhost:3000/@anna',
    'localhost/(@anna)',
    'localhost?a=1,@anna',
    'host/#/@anna',
    '/users/@anna',
    '../@anna',
    'C:\\@anna',
  ],
  ...[
    '?by=@anna',
    '?a=1&by=@anna',
    '/#@anna',
    '~@anna',
    ':@anna/',
    'mailto:@anna',
    'acct:@anna',
    'telegram:@anna',
  ],
  ...[
    '[я](https://t.me/@anna)',
    '[@anna](https://t.me/anna)',
    '[я](/@anna)',
    '[я](@anna)',
    '![@anna](https://a.b/c.png)',
  ],
  ...[
    '[канал](https://t.me/x "@anna")',
    "[канал](t.me/x '@anna и друзья')",
    '[канал](/x (@anna))',
    '![фото](https://a.b/c.png "Фото: @anna" )',
  ],
  ...['नमस्ते@anna', 'क्\u200D@anna', 'ภาษาที่@anna', 'a\u0331@anna'],
  ...['@anna-studio.ru', '@anna-my-studio.example.com', '@anna-студия.рф', '@anna.рф', '@anna--x.io'],
  ...[
    'tel:@anna',
    'TG:@anna',
    'skype:@anna',
    'git+ssh:@anna',
    'data:@anna',
    'javascript:@anna',
    '(sms:@anna',
  ],
  ...[
    '<https://t.me/@anna>',
    '«https://t.me/@anna»',
    '(https://t.me/@anna)',
    'href="/@anna"',
    'https://t.me/@anna, да',
  ],
  ...[
    'user:pass@anna',
    'anna@localhost',
    'git@anna',
    '@anna@mastodon.social',
    '@anna.com',
    '@mail.ru',
    '@anna/package',
  ],
])('%j is not a mention', (text) => {
  expect(handlesIn(text)).toEqual([]);
  expect(handlesIn(`Смотрите: ${text} и (@control), там`)).toEqual(['control']);
});

it.each([
  ...[
    '(@anna), привет',
    '@anna!',
    '«@anna»',
    '"@anna"',
    "'@anna'",
    '@anna,',
    '@anna.',
    '@anna…',
    '@anna?',
    '@anna: да',
    '@anna’s',
  ],
  ...[
    '[@anna]',
    '<@anna>',
    '*@anna*',
    '—@anna—',
    '.@anna',
    '😀@anna😀',
    'Спасибо.@anna',
    'Мастер:@anna',
    'cc:@anna',
    'Photo:@anna',
    'photo by:@anna',
    'P.S.:@anna',
    'hotel:@anna',
    'e-mail:@anna',
    '[канал](https://t.me/x) "@anna"',
    '(https://t.me/x "@anna")',
    '❤️@anna',
    '1️⃣@anna',
    '@anna-студия',
    '@anna-да.Нет',
    '@anna.Привет',
    'Как дела?@anna',
  ],
  ...[
    'https://t.me/x @anna',
    'https://t.me/x, @anna',
    '(https://t.me/x)@anna',
    'a@b.com, @anna',
    'и/или @anna',
    'https://t.me\n@anna',
  ],
])('%j mentions @anna', (text) => {
  expect(handlesIn(text)).toEqual(['anna']);
});

it('finds two mentions with one character between them', () => {
  for (const sign of ['/', '&', ',', '+', '—', ' '])
    expect(handlesIn(`@anna${sign}@boris`)).toEqual(['anna', 'boris']);
});

it.each([
  ['a+', 10_000],
  ['a.', 100_000],
  ['\u0301', 100_000],
  ['[a](b "', 50_000],
  ['@abc-', 50_000],
])('reads many repetitions of %j quickly', (piece, times) => {
  expect(handlesIn(`${piece.repeat(times)}; (@anna)`)).toContain('anna');
  handlesIn(`${piece.repeat(times)}:@anna`);
});

it('is read in linear time', () => {
  const pieces = [
    'http://',
    'a',
    '.',
    '/',
    '@',
    '(',
    '[',
    '"',
    ':',
    '?a=',
    '|',
    'я',
    '\\',
    '{',
    ' ',
    '-',
    'a.co',
    '@abc',
    '+',
    '\u0301',
    '[a](b "',
    "'",
    '@abc-',
  ];
  const texts = fc
    .array(fc.constantFrom(...pieces), { minLength: 1, maxLength: 5 })
    .map((all) => all.join(''));
  fc.assert(
    fc.property(texts, (piece) => {
      for (const length of [4000, 40_000]) handlesIn(`${piece.repeat(length).slice(0, length)} @anna`);
    }),
    { numRuns: 20 },
  );
});
