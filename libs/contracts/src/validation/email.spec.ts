import fc from 'fast-check';
import { domainToASCII } from 'node:url';
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
  [
    'anna@نامه\u200Cای.com',
    ['AN\u200CNA@xn--mgba3gch31f060k.com', 'anna\u200D@نامه\u200Cای\u200B.com\u200B'],
  ],
  ['anna@ශ්\u200Dරී.com', ['anna@xn--10cl1a0b660p.com', 'anna@XN--10CL1A0B660P.COM']],
  ['anna@نامهای.com', ['anna@xn--mgba3gch31f.com']],
  ['anna@example.org', ['anna@exam\u200Dple.org', 'anna\u200C@example.org\u200C']],
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

it('a domain is one address in both of its forms, also with joiners', () => {
  const label = fc.array(
    fc.constantFrom(
      ...'abпрßéنامهایකශ්ර',
      'ක්\u200Dර',
      'ه\u200Cا',
      'क्\u200Dष',
      'अ\u200C',
      '\u200D',
      '\u200B',
      '1',
      '-',
    ),
    { minLength: 1, maxLength: 6 },
  );
  let both = 0;
  fc.assert(
    fc.property(label, (signs) => {
      const domain = `${signs.join('')}.example`;
      const form = canonicalEmail(`anna@${domain}`);
      expect(canonicalEmail(form)).toBe(form);
      const ascii = domainToASCII(domain);
      if (!ascii) return;
      both++;
      expect(canonicalEmail(`anna@${ascii}`)).toBe(form);
      expect(domainToASCII(form.slice('anna@'.length))).toBe(ascii);
    }),
    { seed: 20261128, numRuns: 2000 },
  );
  expect(both).toBeGreaterThan(200);
});

it('a form is its own form, in any encoding', () => {
  const unit = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 });
  const part = fc.string({
    unit: fc.oneof(unit, fc.constantFrom('\u200C', '\u200D', '\u00AD', '@', ' ')),
    maxLength: 12,
  });
  fc.assert(
    fc.property(part, part, (local, domain) => {
      const form = canonicalEmail(`${local}@${domain}.example`);
      for (const again of [form, form.normalize('NFD'), form.normalize('NFC')])
        expect(canonicalEmail(again)).toBe(form);
    }),
    { seed: 20261128, numRuns: 500 },
  );
});
