import fc from 'fast-check';
import { canonicalEmail } from './email.js';

it.each([
  ['zoë@example.com', ['zoe\u0308@example.com', 'ZOË@EXAMPLE.COM', ' ZOE\u0308@Example.com\u00A0']],
  [
    'женя@пример.рф',
    ['ЖЕНЯ@ПРИМЕР.РФ', 'Женя@xn--e1afmkfd.xn--p1ai', 'женя@XN--E1AFMKFD.рф', 'женя@пример。рф'],
  ],
  ['й@bücher.example', ['и\u0306@bu\u0308cher.example', 'Й@xn--bcher-kva.example']],
  [
    'anna@example.com',
    ['ａｎｎａ＠ｅｘａｍｐｌｅ．ｃｏｍ', 'an\u200Bna@example.com', '\u2066anna@exam\u00ADple.com\u2069'],
  ],
  ['straße@faß.de', ['STRAẞE@xn--fa-hia.de']],
])('%s has one form, however it is typed', (form, typed) => {
  for (const one of [form, ...typed]) expect([one, canonicalEmail(one)]).toEqual([one, form]);
});

it.each(['strasse@faß.de', 'straße@fass.de', 'ÉVA@example.com', 'anna@example.org'])(
  '%s is another address',
  (other) => {
    const known = ['straße@faß.de', 'eva@example.com', 'anna@example.com'];
    expect(known).not.toContain(canonicalEmail(other));
  },
);

it.each([
  ['anna@xn--example-.com', 'anna@'],
  ['anna@xn--a', 'anna@'],
  ['anna@example.com/x', 'anna@example.com/x'],
  ['anna@ex%41mple.com', 'anna@ex%41mple.com'],
  ['anna@example.com:80', 'anna@example.com:80'],
  ['anna', 'anna'],
  ['', ''],
])('%s does not become the address of a URL’s host', (typed, form) => {
  expect(canonicalEmail(typed)).toBe(form);
});

it('a form is its own form, in any encoding', () => {
  const part = fc.string({ unit: 'grapheme', maxLength: 12 });
  fc.assert(
    fc.property(part, part, (local, domain) => {
      const form = canonicalEmail(`${local}@${domain}.example`);
      for (const again of [form, form.normalize('NFD'), form.normalize('NFC')])
        expect(canonicalEmail(again)).toBe(form);
    }),
    { seed: 20261128, numRuns: 500 },
  );
});
