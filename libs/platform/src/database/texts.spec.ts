import {
  BanBody,
  CreateBookingBody,
  CreateChatBody,
  CreateCommentBody,
  CreateServiceBody,
  LoginBody,
  QuestionFrame,
  ReasonBody,
  RegisterBody,
  ReportBody,
  RepostBody,
  ResolveBody,
  ReviewBody,
  SearchQuery,
  SendMessageBody,
  UpdateChatBody,
  UpdateMeBody,
  UpdateServiceBody,
  messageMetadata,
  isVisible,
  oneLine,
  textOf,
} from '#contracts';
import fc from 'fast-check';
import { randomUUID } from 'node:crypto';
import { validated } from '../validation/validation.js';

type Fields = Record<string, unknown>;
const id = randomUUID();
const account = { email: 'a@example.com', password: 'password', name: 'Анна' };
const service = { name: 'Маникюр', price: 1, duration: 60 };

/** The stored text of a field. @throws AppError */
const field = (type: new () => object, name: string, rest: Fields) => (typed: string) =>
  (validated(type, { ...rest, [name]: typed }) as Fields)[name] as string;

const NAMES: [string, (typed: string) => string][] = [
  ['RegisterBody.name', field(RegisterBody, 'name', account)],
  ['RegisterBody.device', field(RegisterBody, 'device', account)],
  ['LoginBody.device', field(LoginBody, 'device', account)],
  ['UpdateMeBody.name', field(UpdateMeBody, 'name', {})],
  ['CreateChatBody.title', field(CreateChatBody, 'title', { type: 'group', participant_ids: [id] })],
  ['UpdateChatBody.title', field(UpdateChatBody, 'title', {})],
  ['CreateServiceBody.name', field(CreateServiceBody, 'name', service)],
  ['UpdateServiceBody.name', field(UpdateServiceBody, 'name', {})],
];
const TRIMMED: typeof NAMES = [
  ['CreateServiceBody.description', field(CreateServiceBody, 'description', service)],
  ['UpdateServiceBody.description', field(UpdateServiceBody, 'description', {})],
  [
    'CreateBookingBody.note',
    field(CreateBookingBody, 'note', { service_id: id, starts_at: '2026-12-01T10:00:00Z' }),
  ],
  ['ReasonBody.reason', field(ReasonBody, 'reason', {})],
  ['ReviewBody.text', field(ReviewBody, 'text', { rating: 5 })],
  ['ReportBody.reason', field(ReportBody, 'reason', { kind: 'user', target_id: id })],
  ['ResolveBody.resolution', field(ResolveBody, 'resolution', {})],
  ['BanBody.reason', field(BanBody, 'reason', {})],
  ['SearchQuery.query', field(SearchQuery, 'query', {})],
];
const AS_TYPED: typeof NAMES = [
  ['CreateCommentBody.content', field(CreateCommentBody, 'content', {})],
  ['RepostBody.content', field(RepostBody, 'content', {})],
  ['QuestionFrame.message', field(QuestionFrame, 'message', {})],
  [
    'SendMessageBody.content',
    (typed) => {
      const { type, content } = validated(SendMessageBody, { type: 'text', content: typed });
      messageMetadata(type, content, {});
      return content;
    },
  ],
];
const ALL = [...NAMES, ...TRIMMED, ...AS_TYPED];
const ADDRESSES: typeof NAMES = [
  ['RegisterBody.email', field(RegisterBody, 'email', account)],
  ['LoginBody.email', field(LoginBody, 'email', account)],
];

const characters = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => String.fromCodePoint(from + i));
const INVISIBLE = [...characters(0x1, 0xd800), ...characters(0xe000, 0x110000)].filter((one) =>
  /[\p{Default_Ignorable_Code_Point}\p{Cf}\p{Cc}\p{Z}\p{M}\u2800\u3164\uFFA0\u115F\u1160\u{13441}\u{13442}\u{1D159}]/u.test(
    one,
  ),
);
/** Not spaces and control characters alone: those are dropped, and some texts may be empty. */
const invisible = fc
  .array(fc.constantFrom(...INVISIBLE), { minLength: 1, maxLength: 20 })
  .map((all) => all.join(''))
  .filter((text) => text.replace(/\p{Cc}/gu, '').trim() !== '');
const visible = fc
  .tuple(
    fc.constantFrom(
      'А\u200Dн',
      '👨‍👩‍👧',
      'نام\u200Cها',
      'שָׁלוֹם',
      'ภาษาไทย',
      'हिन्दी',
      'Nguyễn',
      'е\u0308',
      '...',
      '!',
      '1',
      '한',
      '❤',
    ),
    fc.string({ unit: 'grapheme', maxLength: 5 }),
  )
  .map(([first, more]) => first + more)
  // Names lose some invisible characters.
  .filter(
    (text) =>
      !/[\u2028\u2029\p{Cc}\u202A-\u202E\u2060-\u206F\u00AD\u180E\u200B\uFEFF\u{E0000}-\u{E007F}]|[\p{M}\p{Cf}]{5}/u.test(
        text,
      ),
  );

describe.each(ALL)('%s', (_, stored) => {
  const refusal = (typed: string) => {
    try {
      return stored(typed);
    } catch (error) {
      return (error as { code: string }).code;
    }
  };

  it('refuses invisible text', () => {
    fc.assert(fc.property(invisible, (typed) => refusal(typed) === 'INVALID_DATA'));
  });

  it('keeps visible text, in NFC', () => {
    fc.assert(
      fc.property(visible, (typed) => {
        expect(stored(typed).trim()).toBe(typed.normalize('NFC').trim());
      }),
    );
  });

  it('stores its own stored text unchanged', () => {
    const few = fc.array(fc.constantFrom(...INVISIBLE), { maxLength: 4 });
    fc.assert(
      fc.property(few, (characters) => {
        const typed = `e${characters.join('')}х`;
        fc.pre(refusal(typed) !== 'INVALID_DATA');
        expect(stored(stored(typed))).toBe(stored(typed));
      }),
    );
  });
});

it('refuses every single invisible character', () => {
  expect(INVISIBLE.filter(isVisible)).toEqual([]);
});

describe.each(NAMES)('%s, which is used in sentences', (name, stored) => {
  const [, property] = name.split('.');

  it('refuses wrong text by field', () => {
    for (const typed of [
      ...['Анна\n\nВАЖНО: код 123', 'Анна\u2028Б', 'Анна\u2029Б', 'Анна\u0085Б', 'Анна\u0007', 'А\u001b[31m'],
      ...[
        `a${'\u0301'.repeat(90)}`,
        `Анна${'\u0336\u0301'.repeat(5)}`,
        `ا${'\u064B'.repeat(9)}`,
        'x'.repeat(101),
      ],
      ...['a\u0301\u200D\u0301\u200D\u0301\u200D\u0301\u200D\u0301\u200D\u0301', '', ' ', '\n'],
    ])
      expect(() => stored(typed)).toThrow(property);
  });

  it('has no gap that would separate it from its sentence', () => {
    for (const blank of ['\u2800', '\u3164', '\u{1D159}', '\u{13441}', ' \u200C', '\u3000\u200D']) {
      expect(() => stored(`А${blank.repeat(4)}Б`)).toThrow(property);
      expect(stored(`А${blank.repeat(3)}Б`)).toBe(`А${blank.repeat(3)}Б`);
    }
  });

  it('drops characters that ordinary keyboards and phone books add', () => {
    for (const [typed, kept] of [
      ['  Анна\t Иванова\r\n', 'Анна  Иванова'],
      ['Анна     Иванова', 'Анна Иванова'],
      ['Анна\u00A0\u00A0 \u00A0Иванова', 'Анна Иванова'],
      ['\u2068Анна\u2069', 'Анна'],
      ['Анна\u202E', 'Анна'],
      ['\u202Aa\u202Cb\u2066c\u2067d', 'abcd'],
      ['Ан\u00ADна\u200B \u2060Иванова\uFEFF', 'Анна Иванова'],
      ['А \u200B \u200B \u200B \u200BБ', 'А Б'],
    ])
      expect(stored(typed!)).toBe(kept);
  });

  it('accepts any script', () => {
    for (const typed of [
      'דָּוִד בֶּן־גּוּרִיּוֹן',
      'مُحَمَّدٌ',
      'ကျွန်ုပ်',
      'ཧྐྵྨླྺྼྻྂ',
      'ភ្នំពេញ',
      'น้ำผึ้ง',
      'श्री',
      'Ệ',
      '\u200Fא!',
      '🏴󠁧󠁢󠁥󠁮󠁧󠁿 Ann',
    ])
      expect(stored(typed)).toBe(typed.normalize('NFC'));
  });
});

describe.each([...TRIMMED, ...AS_TYPED])('%s, of any number of lines', (_, stored) => {
  it('keeps its lines and tabs, and no other control characters', () => {
    expect(stored('а\n\tб\r\nв\u2028г')).toBe('а\n\tб\r\nв\u2028г');
    expect(stored('а\u000Bб\u0085в\u0007\u001B\u009Fг')).toBe('а\nб\nвг');
  });
});

/** A naive normalization takes quadratic time for each. */
const LONG = [
  `a${'\u0301'.repeat(16_000)}${'\u0316'.repeat(16_000)}`,
  `a${'\u0344'.repeat(30_000)}`,
  '\u{E0041}'.repeat(16_000),
  `\u{1F3F4}${'\u{E0041}'.repeat(16_000)}`,
  characters(0x4e00, 0x9e00).join(''),
  ' \u00A0'.repeat(20_000),
];
it.each([NAMES[0]!, TRIMMED[0]!, AS_TYPED[0]!, ...ADDRESSES])(
  'checks %s of 64 KiB in linear time',
  async (_, stored) => {
    for (const text of LONG)
      for (let i = 0; i < 3; i++) {
        try {
          stored(text);
          stored(`a@${text}`);
        } catch {
          // Most are too long.
        }
        // Lets the test time out.
        await new Promise(setImmediate);
      }
  },
  2000,
);

it('keeps every mark, and separates more than 30 in a row', () => {
  const stored = validated(CreateCommentBody, { content: `a${'\u0344'.repeat(100)}` }).content;
  expect(stored.replaceAll('\u034F', '')).toBe(`a${'\u0344'.repeat(100)}`.normalize('NFC'));
  expect(stored).not.toMatch(/[^\P{M}\u034F]{31}/u);
  expect(validated(CreateCommentBody, { content: stored }).content).toBe(stored);
});

it('the characters that are skipped as unchanging never change', () => {
  for (const character of [...characters(0x20, 0xd800), ...characters(0xe000, 0x20000)]) {
    const stored = /[\v\f\u0085]/.test(character)
      ? '\n'
      : character.normalize('NFC').replace(/[^\P{Cc}\t\n\r]/gu, '');
    if (textOf(character) !== stored || textOf(`😀${character}`) !== `😀${stored}`)
      throw new Error(`U+${character.codePointAt(0)!.toString(16)}`);
  }
});

it('a link on its own keeps its bytes', () => {
  for (const link of ['https://files.example/и\u0306.jpg', 'HTTP://files.example/и\u0306.jpg'])
    expect(validated(SendMessageBody, { type: 'photo', content: link }).content).toBe(link);
});

it('a text in one line has no gaps and no stacked marks', () => {
  for (const [typed, line] of [
    ['А\n\n\u2800\u200B\u3164 Б', 'А Б'],
    [`А${'\u{1D159}'.repeat(9)}Б${'\u{13442}'.repeat(9)}`, 'А Б'],
    [`А${'\u200B'.repeat(50)}Б`, `А${'\u200B'.repeat(8)}Б`],
    [`А${'\u2065'.repeat(50)}Б`, `А${'\u2065'.repeat(8)}Б`],
    ['نام\u200Cها 👨‍👩‍👧 🏴󠁧󠁢󠁥󠁮󠁧󠁿 Ann', 'نام\u200Cها 👨‍👩‍👧 🏴󠁧󠁢󠁥󠁮󠁧󠁿 Ann'],
  ])
    expect(oneLine(typed!)).toBe(line);
});

it('the address of a location is a text like others, or absent', () => {
  const at = (address: unknown) => messageMetadata('location', '1,2', { lat: 1, lng: 2, address });
  expect(at(' и\u0306\u0007\vб ')).toEqual({ lat: 1, lng: 2, address: 'й\nб' });
  expect(JSON.parse(JSON.stringify(at(' ')))).toEqual({ lat: 1, lng: 2 });
  for (const address of ['\u200B', '\u2800', '\u{13441}', 'x'.repeat(501), 1])
    expect(() => at(address)).toThrow('address');
});

it('optional texts may be blank', () => {
  for (const blank of ['', '  \n']) {
    expect(validated(RepostBody, { content: blank }).content).toBe(blank);
    expect(validated(BanBody, { reason: blank }).reason).toBe('');
    expect(() => messageMetadata('location', blank, { lat: 1, lng: 1 })).not.toThrow();
  }
  expect(() => messageMetadata('location', '\u200B', { lat: 1, lng: 1 })).toThrow('content');
});

it('lengths are those of the normal form', () => {
  const longer = '\u{1D160}'.repeat(1500);
  expect(() => validated(CreateCommentBody, { content: longer })).toThrow('content');
  expect(validated(UpdateMeBody, { name: 'e\u0301'.repeat(100) }).name).toBe('é'.repeat(100));
});
