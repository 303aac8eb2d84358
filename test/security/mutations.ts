import fc from 'fast-check';

/** Unusual values that are often mistaken for others. */
export const ODD: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(
    ...[
      null,
      '',
      ' ',
      0,
      -0,
      -1,
      0.5,
      1e308,
      -1e308,
      2 ** 31,
      2 ** 53,
      true,
      false,
      [],
      {},
      [null],
      [[]],
      [{}],
    ],
    ...[
      '0',
      '-1',
      '1e9',
      'NaN',
      'true',
      'null',
      'undefined',
      '[object Object]',
      "'; DROP TABLE users; --",
      '%00',
      '*',
    ],
    ...['\0', '\ud800', '\u202e', '\u200b', '\ufeff', 'İ', 'ﷺ', '👨‍👩‍👧‍👦', 'e\u0301', '9999-99-99T99:99:99.999Z'],
    ...['00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff', '../../etc/passwd'],
    ...[{ $ne: null }, { toString: 1 }, { length: 1e9 }, { then: 1 }, { constructor: 1 }, 'x'.repeat(5000)],
  ),
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.string({ unit: 'grapheme', maxLength: 30 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
  fc.uuid(),
  fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
  fc.array(fc.constantFrom<unknown>(1, 'x', null, {}), { maxLength: 500 }),

  fc
    .integer({ min: 1, max: 500 })
    .map((depth) => JSON.parse('['.repeat(depth) + ']'.repeat(depth)) as unknown),
  fc.jsonValue({ maxDepth: 4 }),
);

/** `String` would call the `toString` of an odd value. */
const textOf = (value: unknown) => (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''));

type Change = (value: unknown) => unknown;

/** Changes one place in a value. `at` chooses it: 0 to 1 of all places, the value itself included. */
function changedAt(value: unknown, at: number, change: Change): unknown {
  const places: (string | number)[][] = [];
  const walk = (part: unknown, path: (string | number)[]) => {
    places.push(path);
    if (typeof part === 'object' && part !== null)
      for (const key of Object.keys(part)) walk((part as Record<string, unknown>)[key], [...path, key]);
  };
  walk(value, []);
  const path = places[Math.min(places.length - 1, Math.floor(at * places.length))]!;
  const rebuilt = (part: unknown, [key, ...rest]: (string | number)[]): unknown => {
    if (key === undefined) return change(part);
    const copy = structuredClone(part) as Record<string, unknown>;
    copy[key] = rebuilt(copy[key], rest);
    return copy;
  };
  return rebuilt(value, path);
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const CHANGE: fc.Arbitrary<Change> = fc.oneof(
  { weight: 6, arbitrary: ODD.map((odd) => () => odd) },
  { weight: 1, arbitrary: fc.constant<Change>(() => undefined) },
  { weight: 1, arbitrary: fc.constant<Change>((value) => [value]) },
  { weight: 1, arbitrary: fc.constant<Change>(textOf) },
  { weight: 1, arbitrary: fc.constant<Change>((value) => ({ value })) },
  {
    weight: 1,
    arbitrary: ODD.map((odd) => (value: unknown) => (typeof value === 'string' ? value + textOf(odd) : odd)),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(fc.string({ unit: 'binary', maxLength: 10 }), ODD).map(([key, odd]): Change => {
      return (value) => (isRecord(value) ? { ...value, [key]: odd } : odd);
    }),
  },
);

/** Without fast-check's bias for the ends of a range, or most changes would be to the whole value. */
const PLACE = fc.noBias(fc.integer({ min: 0, max: 999 })).map((thousandths) => thousandths / 1000);

/** A good payload with one to three changes; sometimes unchanged, or another value altogether. */
export const mutationsOf = (sample: unknown): fc.Arbitrary<unknown> =>
  fc.oneof(
    {
      weight: 12,
      arbitrary: fc
        .array(fc.tuple(PLACE, CHANGE), { minLength: 1, maxLength: 3 })
        .map((changes) => changes.reduce((value, [at, change]) => changedAt(value, at, change), sample)),
    },
    { weight: 2, arbitrary: fc.constant(sample) },
    { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 5 }) },
    { weight: 1, arbitrary: ODD },
  );
