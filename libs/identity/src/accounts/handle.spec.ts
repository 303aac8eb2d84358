import fc from 'fast-check';
import { handleFrom, isReserved, withRandomSuffix } from './handle.js';

const HANDLE = /^[a-z0-9_]{3,30}$/;

it.each([
  ['Анна Иванова', 'anna_ivanova'],
  ['Щёголь', 'schyogol'],
  ['José Ñandú', 'jose_nandu'],
  ['VIP master2000', 'vip_master2000'],
])('turns %s into the handle %s', (name, handle) => {
  expect(handleFrom(name)).toBe(handle);
});

it.each(['Admin', 'Support', 'SYSTEM'])('does not make a handle of the operator from the name %s', (name) => {
  const handle = handleFrom(name);
  expect(handle).toMatch(/^[a-z]+_\d{6}$/);
  expect(isReserved(handle)).toBe(false);
});

it.each(['王', '😀', '-- __ --', 'a', ''])('makes a handle of %j, too', (name) => {
  expect(handleFrom(name)).toMatch(HANDLE);
});

it('makes a handle of any name, and another one with a suffix', () => {
  // Not `fc.string({ unit: 'binary' })`, which first indexes all of Unicode.
  const character = fc.integer({ min: 0, max: 0x10ffff }).map((code) => String.fromCodePoint(code));
  const anyName = fc.array(character, { maxLength: 100 }).map((all) => all.join(''));
  fc.assert(
    fc.property(anyName, (name) => {
      const handle = handleFrom(name);
      expect(handle).toMatch(HANDLE);
      expect(withRandomSuffix(handle)).toMatch(HANDLE);
      expect(withRandomSuffix(handle)).not.toBe(handle);
    }),
  );
});
