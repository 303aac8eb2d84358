import { titleFrom } from './conversation.js';

const FAMILY = '👨\u200d👩\u200d👧';

it.each([
  ['Сколько стоит?', 'Сколько стоит?'],
  ['\n\nСколько стоит\r\nманикюр?\t', 'Сколько стоит маникюр?'],
  ['ж'.repeat(50), 'ж'.repeat(50)],
  ['ж'.repeat(51), `${'ж'.repeat(50)}...`],
  [`${'x'.repeat(49)}👍👍`, `${'x'.repeat(49)}👍...`],
  [`${'x'.repeat(45)}${FAMILY}`, `${'x'.repeat(45)}${FAMILY}`],
  [`${'x'.repeat(48)}${FAMILY} и`, `${'x'.repeat(48)}...`],
  [`${'x'.repeat(45)}${FAMILY}xx`, `${'x'.repeat(45)}${FAMILY}...`],
  [`a${'\u0301'.repeat(100)}`, `a${'\u0301'.repeat(49)}...`],
])('%j has the title %j', (question, title) => {
  expect(titleFrom(question)).toBe(title);
});
