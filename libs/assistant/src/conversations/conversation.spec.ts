import fc from 'fast-check';
import { NEW_CHAT, titleFrom } from './conversation.js';

const FAMILY = '👨\u200d👩\u200d👧';

it.each([
  ['Сколько стоит?', 'Сколько стоит?'],
  ['\n\nСколько стоит\r\nманикюр?\t', 'Сколько стоит маникюр?'],
  ['\u200B\u200B \u2060Есть время?\t\u202E', 'Есть время?'],
  [`${'\u200B'.repeat(60)}Привет`, 'Привет'],
  ['ж'.repeat(50), 'ж'.repeat(50)],
  ['ж'.repeat(51), `${'ж'.repeat(50)}...`],
  [`${'x'.repeat(49)}👍👍`, `${'x'.repeat(49)}👍...`],
  [`${'x'.repeat(45)}${FAMILY}`, `${'x'.repeat(45)}${FAMILY}`],
  [`${'x'.repeat(48)}${FAMILY} и`, `${'x'.repeat(48)}...`],
  [`${'x'.repeat(45)}${FAMILY}xx`, `${'x'.repeat(45)}${FAMILY}...`],
  [`a${'\u0301'.repeat(100)}`, `a${'\u0301'.repeat(4)}`],
  ['👨\u200D'.repeat(5000), NEW_CHAT],
])('titles %j as %j', (question, title) => {
  expect(titleFrom(question)).toBe(title);
});

it('makes a visible title of one line from any question', () => {
  const unit = fc.oneof(
    fc.constantFrom('\n', '\u200B', '\u0301', '\u202E', FAMILY, 'א', ' '),
    fc.integer({ min: 1, max: 0xd7ff }).map((code) => String.fromCodePoint(code)),
  );
  fc.assert(
    fc.property(fc.array(unit, { maxLength: 300 }), (characters) => {
      const title = titleFrom(`${characters.join('')}?`);
      expect(title).not.toMatch(/[\p{Cc}\u2028\u2029\u202A-\u202E\u2066-\u2069]/u);
      expect(title).toMatch(/[\p{L}\p{N}\p{P}\p{S}\p{Co}\p{Cn}]/u);
      expect([...title].length).toBeLessThanOrEqual(53);
    }),
  );
});
