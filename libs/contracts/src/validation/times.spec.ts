import fc from 'fast-check';
import { DAY_MS, toClock, toTimestamp } from './times.js';

const pad = (number: number, width = 2) => String(number).padStart(width, '0');
// A day from the ends of the representable range, for the offset.
const moments = fc.integer({
  min: Date.parse('0001-01-02T00:00:00Z'),
  max: Date.parse('9999-12-30T00:00:00Z'),
});
/** Minutes ahead of UTC. */
const offsets = fc.integer({ min: -23 * 60 - 59, max: 23 * 60 + 59 });
const written = (ahead: number) => {
  const minutes = Math.abs(ahead);
  return `${ahead < 0 ? '-' : '+'}${pad(Math.floor(minutes / 60))}:${pad(minutes % 60)}`;
};
const spellings = fc.record({
  ms: moments,
  ahead: fc.option(offsets),
  /** Digits after the milliseconds. */
  more: fc.stringMatching(/^\d{0,27}$/),
  separator: fc.constantFrom('T', 't', ' '),
  zulu: fc.constantFrom('Z', 'z', '+00:00', '-00:00'),
});

it('a moment is the same in any spelling, truncated to milliseconds', () => {
  fc.assert(
    fc.property(spellings, ({ ms, ahead, more, separator, zulu }) => {
      const local = new Date(ms + (ahead ?? 0) * 60_000).toISOString().slice(0, -1);
      const text = local.replace('T', separator) + more + (ahead === null ? zulu : written(ahead));
      expect(toTimestamp(text)).toBe(new Date(ms).toISOString());
    }),
  );
});

it('fraction digits, the decimal point and the seconds are optional', () => {
  fc.assert(
    fc.property(moments, offsets, fc.integer({ min: 0, max: 3 }), (ms, ahead, digits) => {
      const cut = digits === 0 ? 60_000 : 10 ** (3 - digits);
      const moment = ms - (((ms % cut) + cut) % cut);
      const local = new Date(moment + ahead * 60_000).toISOString();
      const short = digits === 0 ? local.slice(0, 16) : local.slice(0, 20 + digits);
      expect(toTimestamp(short + written(ahead))).toBe(new Date(moment).toISOString());
      if (digits === 0)
        expect(toTimestamp(local.slice(0, 19) + written(ahead))).toBe(new Date(moment).toISOString());
    }),
  );
});

it('a day that does not exist is refused', () => {
  const days = (year: number, month: number) =>
    new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate();
  const date = fc.record({
    year: fc.integer({ min: 1, max: 9998 }),
    month: fc.integer({ min: 1, max: 12 }),
    day: fc.integer({ min: 0, max: 99 }),
  });
  fc.assert(
    fc.property(date, offsets, ({ year, month, day }, ahead) => {
      const text = `${pad(year, 4)}-${pad(month)}-${pad(day)}T12:00:00.5${written(ahead)}`;
      const exists = day >= 1 && day <= days(year, month);
      expect([text, toTimestamp(text) !== undefined]).toEqual([text, exists]);
    }),
  );
});

it.each([
  '2027-02-29T00:00:00Z',
  '2027-00-10T00:00:00Z',
  '2027-13-10T00:00:00Z',
  '2027-01-01T24:00:00Z',
  '2027-01-01T23:60:00Z',
  '2016-12-31T23:59:60Z',
  '2027-01-01T00:00:00',
  '2027-01-01T00:00:00+24:00',
  '2027-01-01T00:00:00+03:60',
  '2027-01-01T00:00:00+3:00',
  '2027-01-01T00:00:00 03:00',
  '2027-01-01T00:00:00+03:00Z',
  '2027-01-01T00:00:00.Z',
  '2027-01-01T00:00:00,5Z',
  `2027-01-01T00:00:00.${'0'.repeat(31)}Z`,
  '2027-01-01T00.5Z',
  '2027-01-01',
  '20270101T000000Z',
  '+002027-01-01T00:00:00Z',
  '0000-06-01T00:00:00Z',
  '0001-01-01T00:00:00+00:01',
  '9999-12-31T23:59:00-00:01',
  ' 2027-01-01T00:00:00Z',
  '2027-01-01T00:00:00Z\n',
  '٢٠٢٧-01-01T00:00:00Z',
  '1798761600000',
  1798761600000,
  null,
  undefined,
  {},
  ['2027-01-01T00:00:00Z'],
])('%j is refused', (text) => {
  expect(toTimestamp(text)).toBeUndefined();
});

it('a timestamp in the output format stays the same', () => {
  fc.assert(
    fc.property(moments, (ms) => {
      const text = new Date(ms - (ms % DAY_MS)).toISOString();
      expect(toTimestamp(text)).toBe(text);
    }),
  );
});

it.each([
  ['09:00', '09:00'],
  ['09:00:00', '09:00'],
  ['23:59:00.0000000', '23:59'],
  ['24:00:00', '24:00'],
  ['24:01', undefined],
  ['24:00:01', undefined],
  ['09:00:30', undefined],
  ['09:00:00.001', undefined],
  ['9:00', undefined],
  ['09:60', undefined],
  ['09:00Z', undefined],
  [900, undefined],
])('%j is the time of day %j', (text, clock) => {
  expect(toClock(text)).toBe(clock);
});
