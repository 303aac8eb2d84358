import { DateTime } from 'luxon';
import { usualTime } from '../rebooking/preferred-time.js';
import { isSlot, slotsIn } from './slots.js';

type Window = [from: string, to: string];

const week = (timezone: string, windows: Window[], days_off: string[] = []) => ({
  timezone,
  weekly: [0, 1, 2, 3, 4, 5, 6].flatMap((weekday) => windows.map(([from, to]) => ({ weekday, from, to }))),
  days_off,
});
const between = (from: string, to: string, zone: string) =>
  [from, to].map((time) => DateTime.fromISO(time, { zone }).toJSDate()) as [Date, Date];

/** The slots of one day, by their local start times with offset. */
function slotsOn(
  date: string,
  zone: string,
  windows: Window[],
  minutes = 60,
  days_off: string[] = [],
): string[] {
  const [from, to] = between(date, DateTime.fromISO(date).plus({ days: 1 }).toISODate()!, zone);
  const slots = [...slotsIn(week(zone, windows, days_off), minutes, from, to)];
  slots.forEach(({ start, end }, i) => {
    expect(end.getTime() - start.getTime()).toBe(minutes * 60_000);
    if (i > 0) expect(start.getTime()).toBeGreaterThanOrEqual(slots[i - 1]!.end.getTime());
  });
  return slots.map(({ start }) => DateTime.fromJSDate(start, { zone }).toFormat('HH:mm ZZZ'));
}

describe('by local time', () => {
  it.each<[day: string, zone: string, date: string, first: string, last: string]>([
    ['before spring', 'Europe/Berlin', '2027-03-27', '09:00 +0100', '17:00 +0100'],
    ['spring', 'Europe/Berlin', '2027-03-28', '09:00 +0200', '17:00 +0200'],
    ['before autumn', 'Europe/Berlin', '2027-10-30', '09:00 +0200', '17:00 +0200'],
    ['autumn', 'Europe/Berlin', '2027-10-31', '09:00 +0100', '17:00 +0100'],
    ['before spring', 'America/New_York', '2027-03-13', '09:00 -0500', '17:00 -0500'],
    ['spring', 'America/New_York', '2027-03-14', '09:00 -0400', '17:00 -0400'],
    ['autumn', 'America/New_York', '2027-11-07', '09:00 -0500', '17:00 -0500'],
    ['a day without change', 'Asia/Kolkata', '2027-03-28', '09:00 +0530', '17:00 +0530'],
    ['a day without change', 'Europe/Moscow', '2027-10-31', '09:00 +0300', '17:00 +0300'],
  ])('a working day (%s, %s, %s) begins and ends as usual', (_, zone, date, first, last) => {
    const slots = slotsOn(date, zone, [['09:00', '18:00']]);
    expect([slots.length, slots[0], slots.at(-1)]).toEqual([9, first, last]);
  });

  it.each<[zone: string, date: string, slots: number]>([
    ['Europe/Berlin', '2027-03-28', 23],
    ['Europe/Berlin', '2027-10-31', 25],
    ['America/New_York', '2027-03-14', 23],
    ['America/New_York', '2027-11-07', 25],
    ['Asia/Kolkata', '2027-03-28', 24],
    // Midnight itself is skipped.
    ['America/Santiago', '2027-09-05', 23],
  ])('a whole day in %s on %s has %i hours', (zone, date, count) => {
    expect(slotsOn(date, zone, [['00:00', '24:00']])).toHaveLength(count);
  });

  it.each<[string, string, string, Window[], number, string[]]>([
    [
      'begins in the skipped hour',
      'Europe/Berlin',
      '2027-03-28',
      [['02:30', '05:00']],
      60,
      ['03:00 +0200', '04:00 +0200'],
    ],
    ['ends in it', 'Europe/Berlin', '2027-03-28', [['01:00', '02:30']], 30, ['01:00 +0100', '01:30 +0100']],
    ['is entirely in it', 'Europe/Berlin', '2027-03-28', [['02:00', '03:00']], 30, []],
    [
      'ends in it, before another',
      'Europe/Berlin',
      '2027-03-28',
      [
        ['01:00', '02:30'],
        ['03:00', '04:00'],
      ],
      30,
      ['01:00 +0100', '01:30 +0100', '03:00 +0200', '03:30 +0200'],
    ],
    [
      'begins in the repeated hour',
      'Europe/Berlin',
      '2027-10-31',
      [['02:30', '03:00']],
      45,
      ['02:30 +0200', '02:15 +0100'],
    ],
    ['is entirely in it', 'America/New_York', '2027-11-07', [['01:00', '01:30']], 30, ['01:00 -0400']],
    [
      'spans it',
      'America/New_York',
      '2027-11-07',
      [['00:00', '03:00']],
      60,
      ['00:00 -0400', '01:00 -0400', '01:00 -0500', '02:00 -0500'],
    ],
  ])('a window that %s (%s, %s)', (_, zone, date, windows, minutes, expected) => {
    expect(slotsOn(date, zone, windows, minutes)).toEqual(expected);
  });
});

describe('slots', () => {
  it('follow one another from each window’s start, as many as fit', () => {
    const windows: Window[] = [
      ['13:00', '15:00'],
      ['09:10', '12:00'],
    ];
    const starts = slotsOn('2027-06-01', 'UTC', windows, 50);
    expect(starts.map((start) => start.slice(0, 5))).toEqual(['09:10', '10:00', '10:50', '13:00', '13:50']);
    expect(slotsOn('2027-06-01', 'UTC', windows, 171)).toEqual([]);
  });

  it('exclude days off, by the master’s calendar', () => {
    const off = ['2027-06-02'];
    expect(slotsOn('2027-06-02', 'Pacific/Auckland', [['00:00', '24:00']], 60, off)).toEqual([]);
    for (const date of ['2027-06-01', '2027-06-03'])
      expect(slotsOn(date, 'Pacific/Auckland', [['00:00', '24:00']], 60, off)).toHaveLength(24);
  });

  it.each(['America/Santiago', 'Europe/Berlin', 'Pacific/Apia', 'Asia/Kathmandu'])(
    'of a long period equal those of its parts, wherever it is split (%s)',
    (zone) => {
      const availability = week(zone, [
        ['00:00', '02:30'],
        ['03:00', '24:00'],
      ]);
      const [from, to] = between('2027-08-30', '2027-11-10', zone);
      const all = [...slotsIn(availability, 35, from, to)].map(({ start }) => start.getTime());
      const parts: number[] = [];
      const cut = 7.3 * 3600_000;
      for (let at = from.getTime(); at < to.getTime(); at += cut) {
        const until = new Date(Math.min(at + cut, to.getTime()));
        for (const { start } of slotsIn(availability, 35, new Date(at), until)) parts.push(start.getTime());
      }
      expect(parts).toEqual(all);
      expect(new Set(all).size).toBe(all.length);
    },
  );

  it('are distinguished from other times', () => {
    const availability = week('Europe/Berlin', [['09:00', '18:00']]);
    const is = (time: string) => isSlot(availability, 60, new Date(time));
    expect(['2027-07-01T07:00:00Z', '2027-07-01T15:00:00Z', '2027-12-01T08:00:00Z'].map(is)).toEqual([
      true,
      true,
      true,
    ]);
    expect(['2027-07-01T06:00:00Z', '2027-07-01T16:00:00Z', '2027-07-01T07:00:00.001Z'].map(is)).toEqual([
      false,
      false,
      false,
    ]);
  });
});

describe('adjacent windows are joined', () => {
  const NIGHT: Window[] = [
    ['22:00', '24:00'],
    ['00:00', '02:00'],
  ];
  const times = (...args: Parameters<typeof slotsOn>) => slotsOn(...args).map((start) => start.slice(0, 5));

  it.each<[string, Window[], number, string[], string[]]>([
    ['at midnight', NIGHT, 180, [], ['22:00']],
    ['at midnight, with others before', NIGHT, 90, [], ['22:00', '23:30']],
    ['not into a day off', NIGHT, 90, ['2027-06-02'], ['22:00']],
    ['not from a day off', NIGHT, 90, ['2027-05-31'], ['00:00', '22:00', '23:30']],
    [
      'within a day',
      [
        ['12:00', '16:00'],
        ['10:00', '12:00'],
      ],
      180,
      [],
      ['10:00', '13:00'],
    ],
  ])('%s', (_, windows, minutes, off, expected) => {
    expect(times('2027-06-01', 'Europe/Berlin', windows, minutes, off)).toEqual(expected);
  });

  it.each<[string, string[]]>([
    ['2027-03-27', []],
    ['2027-10-30', ['01:00 +0200']],
  ])('also in the night of a clock change (%s)', (date, next) => {
    const windows: Window[] = [
      ['22:00', '24:00'],
      ['00:00', '04:00'],
    ];
    const day = DateTime.fromISO(date, { zone: 'UTC' }).plus({ days: 1 }).toISODate()!;
    expect(slotsOn(date, 'Europe/Berlin', windows, 180).at(-1)).toMatch(/^22:00/);
    expect(slotsOn(day, 'Europe/Berlin', windows, 180).slice(0, -1)).toEqual(next);
  });

  it('and work around the clock has the same slots every day', () => {
    const first = times('2027-06-01', 'UTC', [['00:00', '24:00']], 50);
    expect([first.length, first[0], first.at(-1)]).toEqual([29, '00:00', '23:20']);
    expect(times('2027-06-02', 'UTC', [['00:00', '24:00']], 50)).toEqual(first);
  });

  it('in any week, slots stay in the windows, and each long enough stretch begins with one', () => {
    const WEEK = 7 * 96;
    const clock = (quarter: number) =>
      `${String(Math.floor(quarter / 4)).padStart(2, '0')}:${String((quarter % 4) * 15).padStart(2, '0')}`;
    const wrong: number[][] = [];
    let seed = 1;
    const random = (below: number) => (seed = (seed * 48271) % 2147483647) % below;
    for (let round = 0; round < 100; round++) {
      const open = new Array<boolean>(WEEK).fill(false);
      const weekly = [];
      for (let weekday = 0; weekday < 7; weekday++)
        for (let at = random(3) * 16; at < 96;) {
          const to = Math.min(96, at + 1 + random(60));
          weekly.push({ weekday, from: clock(at), to: clock(to) });
          open.fill(true, weekday * 96 + at, weekday * 96 + to);
          at = to + random(3) * 10;
        }
      const length = 1 + random(40);
      // From a Sunday on, with the same week before and after.
      const from = Date.UTC(2027, 5, 6);
      const slots = slotsIn(
        { timezone: 'UTC', weekly, days_off: [] },
        length * 15,
        new Date(from),
        new Date(from + 7 * 86_400_000),
      );
      const isOpen = (quarter: number) => open[(quarter + WEEK) % WEEK];
      const offered = new Set([...slots].map(({ start }) => (start.getTime() - from) / 900_000));
      for (let quarter = 0; quarter < WEEK; quarter++) {
        const fits = Array.from({ length }, (_, i) => isOpen(quarter + i)).every(Boolean);
        const isWrong = offered.has(quarter) ? !fits : fits && !isOpen(quarter - 1);
        if (isWrong) wrong.push([round, quarter]);
      }
    }
    expect(wrong).toEqual([]);
  });
});

it('know a time zone by one spelling, however it was stored', () => {
  const made = jest.spyOn(Intl, 'DateTimeFormat');
  const [from, to] = between('2027-03-27', '2027-03-28', 'Pacific/Auckland');
  const of = (zone: string) => [...slotsIn(week(zone, [['09:00', '11:00']]), 60, from, to)];
  expect(of('pACIFIC/auckland')).toEqual(of('Pacific/Auckland'));
  expect(usualTime([from], to, 'pacific/AUCKLAND')).toEqual(usualTime([from], to, 'Pacific/Auckland'));
  const zones = made.mock.calls.map(([, options]) => options?.timeZone);
  expect(zones.filter((zone) => zone !== 'Pacific/Auckland')).toEqual([]);
});
