import fc from 'fast-check';
import { decodeCursor, encodeCursor } from './cursor.js';

const refused = (cursor: string, ...types: ('string' | 'number' | 'id')[]) => {
  try {
    decodeCursor(cursor, ...types);
    return false;
  } catch (error) {
    expect(error).toMatchObject({ code: 'INVALID_DATA', details: [{ field: 'cursor' }] });
    return true;
  }
};
const made = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

it('returns the encoded values, in characters that need no escaping in an address', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.nat(), (text, number) => {
      const cursor = encodeCursor([text, number]);
      expect(cursor).toMatch(/^[\w-]+$/);
      if (!text.includes('\0')) expect(decodeCursor(cursor, 'string', 'number')).toEqual([text, number]);
    }),
  );
});

it('refuses anything else', () => {
  for (const cursor of [
    '',
    'x',
    '!',
    made(null),
    made({}),
    made('text'),
    made([]),
    made(['a', 1, 2]),
    made(['a']),
  ])
    expect([cursor, refused(cursor, 'string', 'number')]).toEqual([cursor, true]);
  expect(refused(made([1, 'a']), 'string', 'number')).toBe(true);
  expect(refused(made([null]), 'string')).toBe(true);
  expect(refused(made([{}]), 'string')).toBe(true);
  expect(refused(made(['\0']), 'string')).toBe(true);
  expect(refused(made(['\ud800']), 'string')).toBe(true);
  for (const id of ['x', '', 1, null, '00000000-0000-0000-0000-00000000000g', `${crypto.randomUUID()} `])
    expect([id, refused(made([1, id]), 'number', 'id')]).toEqual([id, true]);
  expect(refused(made([1, crypto.randomUUID()]), 'number', 'id')).toBe(false);
  for (const number of [1e300, 0.5, -1, 9e15]) expect(refused(made([number]), 'number')).toBe(true);
});

it('answers any text with values or INVALID_DATA', () => {
  fc.assert(fc.property(fc.string(), (cursor) => void refused(cursor, 'string', 'number')));
});
