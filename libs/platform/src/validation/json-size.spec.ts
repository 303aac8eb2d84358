import { BEFORE_SIGN_IN } from '../limits/budgets/index.js';
import { parsedSize } from './json-size.js';

const { most } = BEFORE_SIGN_IN.values;
const pad = (json: string) => json.padEnd(600);

it.each<[string, string, number]>([
  ['of lists', JSON.stringify(Array(100).fill([])), 200],
  ['of objects', JSON.stringify(Array(100).fill({})), 200],
  ['of numbers', JSON.stringify(Array(100).fill(1)), 100],
  ['of keys', JSON.stringify(Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`k${i}`, 0]))), 100],
  ['of none in a string', JSON.stringify(',{['.repeat(200)), 0],
  ['of none after a quote in a string', JSON.stringify(`",{[`.repeat(200)), 0],
  ['of none after a backslash in a string', JSON.stringify('\\",{['.repeat(200)), 0],
  ['after a string that ends with a backslash', `["${'\\\\'.repeat(300)}",1]`, 2],
  ['of an unterminated string', `["${'x,'.repeat(300)}`, 1],
])('counts the values %s', (_, json, values) => {
  expect(parsedSize(pad(json))).toBe(pad(json).length + 64 * values);
});

it('accepts the maximum number of values, and refuses one more', () => {
  const list = (length: number) => JSON.stringify(Array(length).fill(1));
  expect(parsedSize(list(most))).toBeGreaterThan(64 * most);
  expect(() => parsedSize(list(most + 1))).toThrow('Payload exceeds 2000 values');
});

it('counts short JSON by its characters', () => {
  expect(parsedSize('[1,2,3]')).toBe(7);
});
