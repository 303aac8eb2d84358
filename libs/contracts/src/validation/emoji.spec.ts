import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { emojiOf } from './emoji.js';

/** All emoji of Unicode in all their forms: each with and without every U+FE0F. */
const FORMS = readFileSync(
  createRequire(import.meta.url).resolve('emoji-test-regex-pattern/dist/latest/index-strings.txt'),
  'utf8',
)
  .split('\n')
  .filter((form) => form !== '' && !/^[\u{1F3FB}-\u{1F3FF}\u{1F9B0}-\u{1F9B3}]$/u.test(form));
const bare = (form: string) => form.replace(/\uFE0F/g, '');
const anyForm = fc.constantFrom(...FORMS);

it('gives each emoji of Unicode one form, which Unicode lists', () => {
  const listed = new Set(FORMS);
  const formOfKey = new Map<string, string>();
  const wrong: string[] = [];
  for (const form of FORMS) {
    const one = emojiOf(form)!;
    if (!listed.has(one) || (formOfKey.get(bare(form)) ?? one) !== one) wrong.push(form);
    formOfKey.set(bare(form), one);
  }
  expect(wrong).toEqual([]);
  expect(new Set(formOfKey.values()).size).toBe(formOfKey.size);
  expect(formOfKey.size).toBeGreaterThan(3900);
});

it('accepts an emoji with any of its styles, also unlisted ones', () => {
  fc.assert(
    fc.property(anyForm, fc.array(fc.constantFrom('', '\uFE0F', '\uFE0E')), (form, styles) => {
      const characters = [...bare(form)];
      const styled = characters.map((one, i) => (one === '\u200D' ? one : one + (styles[i] ?? '')));
      expect(emojiOf(styled.join(''))).toBe(emojiOf(form));
    }),
  );
});

it('refuses two emoji in a row', () => {
  fc.assert(fc.property(anyForm, anyForm, (one, other) => emojiOf(one + other) === undefined));
});

it.each([
  ['❤', '❤️'],
  ['❤︎', '❤️'],
  ['👍️', '👍'],
  ['☺', '☺️'],
  ['1⃣', '1️⃣'],
  ['🏳‍🌈', '🏳️‍🌈'],
  ['👁‍🗨', '👁️‍🗨️'],
  ['🏴󠁧󠁢󠁥󠁮󠁧󠁿', '🏴󠁧󠁢󠁥󠁮󠁧󠁿'],
  ['🇷🇺', '🇷🇺'],
  ['☝🏽', '☝🏽'],
  ['👩‍👩‍👧‍👦', '👩‍👩‍👧‍👦'],
])('reads %j as %j', (typed, form) => {
  expect(emojiOf(typed)).toBe(form);
});

it.each([
  ...['', ' ', 'a', '1', '#', '❤❤', '👨👩', '12⃣', '🇷', '🇷🇺🇺🇸', '🇷🇷', '\uFE0F❤', '❤\uFE0F\uFE0F', '\uFE0F'],
  ...[
    '👨‍',
    '‍👨',
    '👨‍\uFE0F👩',
    '🧑‍🧑',
    '🏽',
    '❤🏽',
    '🏴\u{E0067}\u{E0062}',
    '1\uFE0F',
    '⃣',
    '❤ ',
    '❤a',
    '<b>',
    '\u200D',
  ],
])('refuses %j, which is not one emoji', (text) => {
  expect(emojiOf(text)).toBeUndefined();
});

it('keeps skin tones apart', () => {
  const tones = ['👍', '👍🏻', '👍🏼', '👍🏽', '👍🏾', '👍🏿'].map(emojiOf);
  expect(new Set(tones).size).toBe(6);
});
