import { localTime, nowIn, stretchOf } from './local-time.js';

const stretch = (zone: string, from: string, to?: string) => {
  const { from: start, to: end } = stretchOf(from, to, zone);
  return [start, end];
};

it.each([
  ['Europe/Moscow', '2026-11-22T06:00:00.000Z', '2026-11-22T09:00:00+03:00', 'Sunday', '2026-11-22 09:00'],
  ['Asia/Vladivostok', '2026-11-22T23:30:00.000Z', '2026-11-23T09:30:00+10:00', 'Monday', '2026-11-23 09:30'],
  ['Asia/Kathmandu', '2026-12-31T18:15:00.000Z', '2027-01-01T00:00:00+05:45', 'Friday', '2027-01-01 00:00'],
  ['America/New_York', '2027-03-14T06:30:00.000Z', '2027-03-14T01:30:00-05:00', 'Sunday', '2027-03-14 01:30'],
  ['America/New_York', '2027-03-14T07:30:00.000Z', '2027-03-14T03:30:00-04:00', 'Sunday', '2027-03-14 03:30'],
  ['America/New_York', '2026-11-01T05:30:00.000Z', '2026-11-01T01:30:00-04:00', 'Sunday', '2026-11-01 01:30'],
  ['America/New_York', '2026-11-01T06:30:00.000Z', '2026-11-01T01:30:00-05:00', 'Sunday', '2026-11-01 01:30'],
])('%s: %s is given as %s, %s', (zone, iso, at, weekday, local) => {
  expect(localTime(iso, zone)).toEqual({ at, weekday, local: `${local} ${zone}` });
});

it('gives the user’s time, too, when it differs', () => {
  expect(localTime('2026-11-22T06:00:00.000Z', 'Europe/Moscow', 'Asia/Vladivostok')).toMatchObject({
    local: '2026-11-22 09:00 Europe/Moscow',
    for_user: '2026-11-22 16:00 Asia/Vladivostok',
  });
  expect(localTime('2026-11-22T06:00:00.000Z', 'Europe/Moscow', 'Europe/Istanbul')).not.toHaveProperty(
    'for_user',
  );
});

it.each<[string, string, string | undefined, string, string]>([
  ['Europe/Moscow', '2026-11-22', undefined, '2026-11-21T21:00', '2026-11-22T21:00'],
  ['Europe/Moscow', '2026-11-22', '2026-11-23', '2026-11-21T21:00', '2026-11-23T21:00'],
  ['Asia/Kathmandu', '2026-11-22 09:00', '2026-11-22T12:30:15', '2026-11-22T03:15', '2026-11-22T06:45:15'],
  ['Europe/Moscow', '2026-11-22T09:00', undefined, '2026-11-22T06:00', '2026-11-22T21:00'],
  ['Europe/Moscow', '2026-11-22 20:00', '2026-11-22 24:00', '2026-11-22T17:00', '2026-11-22T21:00'],
  [
    'Europe/Moscow',
    ' 2026-11-22 09:00:30.123456 ',
    '2026-11-22t10:00',
    '2026-11-22T06:00:30.123',
    '2026-11-22T07:00',
  ],
  [
    'Europe/Moscow',
    '2026-11-22 09:00 Asia/Vladivostok',
    '2026-11-22 UTC',
    '2026-11-21T23:00',
    '2026-11-23T00:00',
  ],
  [
    'Europe/Moscow',
    '2026-11-22 09:00:30.123456789012345678901234567890 America/Argentina/ComodRivadavia',
    '',
    '2026-11-22T12:00:30.123',
    '2026-11-22T21:00',
  ],
  // A day of 23 hours, one of 25, and one without a midnight.
  ['America/New_York', '2027-03-14', undefined, '2027-03-14T05:00', '2027-03-15T04:00'],
  ['America/New_York', '2026-11-01', undefined, '2026-11-01T04:00', '2026-11-02T05:00'],
  ['Africa/Cairo', '2027-04-30', undefined, '2027-04-29T22:00', '2027-04-30T21:00'],
  // A time that is skipped, and one that comes twice.
  ['America/New_York', '2027-03-14 02:30', '2027-03-14 04:00', '2027-03-14T07:30', '2027-03-14T08:00'],
  ['America/New_York', '2026-11-01 01:00', '2026-11-01 01:45', '2026-11-01T05:00', '2026-11-01T06:45'],
])('reads times in %s: from %s to %s', (zone, from, to, start, end) => {
  const iso = (text: string) => new Date(`${text}Z`).toISOString();
  expect(stretch(zone, from, to)).toEqual([iso(start), iso(end)]);
});

it('leaves times with an offset to their own validation', () => {
  expect(stretch('Europe/Moscow', '2026-11-22T09:00:00.123456+05:45', '2026-11-22 10:00z')).toEqual([
    '2026-11-22T09:00:00.123456+05:45',
    '2026-11-22T10:00Z',
  ]);
  expect(stretch('Europe/Moscow', '2026-11-22T09:00Z')[1]).toBe('2026-11-22T21:00:00.000Z');
});

it.each([
  undefined,
  null,
  5,
  {},
  [],
  '2026-02-30',
  '2026-13-01',
  '2026-11-22T25:00',
  '2026-11-22 09:00 Mars/Base',
  '2026-11-22 local',
  '2026-11-22 system',
])('refuses %p', (given) => {
  expect(() => stretchOf(given, undefined, 'Europe/Moscow')).toThrow('2026-11-22T09:00');
});

it('knows a time zone by one spelling, however a model or a master wrote it', () => {
  const made = jest.spyOn(Intl, 'DateTimeFormat');
  const name = 'Pacific/Auckland';
  for (const zone of [name, name.toLowerCase(), name.toUpperCase()]) {
    expect(stretch('UTC', `2026-11-22 09:00 ${zone}`)).toContain('2026-11-21T20:00:00.000Z');
    expect(stretch(zone, '2026-11-22')).toEqual(stretch(name, '2026-11-22'));
    expect(localTime('2026-11-22T06:00:00.000Z', zone, zone).local).toBe(`2026-11-22 19:00 ${name}`);
    expect(nowIn(zone).zoneName).toBe(name);
  }
  const zones = made.mock.calls.map(([, options]) => options?.timeZone ?? 'UTC');
  expect(zones.filter((zone) => ![name, 'UTC'].includes(zone))).toEqual([]);
});
