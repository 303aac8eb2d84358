import { usualTime } from './preferred-time.js';

const ZONE = 'Europe/Moscow';
/** By the clock of the zone. */
const at = (text: string) => new Date(`${text}+03:00`);
const usual = (visits: string[], due: string) => usualTime(visits.map(at), at(due), ZONE).toISOString();

it.each([
  [
    'the weekday of most visits, at the median time',
    ['2027-01-04T10:00', '2027-02-01T10:30', '2027-03-04T18:00'],
    '2027-04-01T12:00',
    '2027-03-29T10:30',
  ],
  [
    'of two weekdays that of the last visit',
    ['2027-01-04T10:00', '2027-02-04T10:00'],
    '2027-03-03T10:00',
    '2027-03-04T10:00',
  ],
  ['also before it is due', ['2027-01-04T10:00'], '2027-02-03T10:00', '2027-02-01T10:00'],
  ['the weekday by the clock of the master', ['2027-01-05T01:00'], '2027-02-01T23:00', '2027-02-02T01:00'],
])('the usual time is on %s', (_, visits, due, expected) => {
  expect(usual(visits, due)).toBe(at(expected).toISOString());
});
