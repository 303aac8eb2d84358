import { usualTime } from './preferred-time.js';

const ZONE = 'Europe/Moscow';
/** In the time zone of the tests. */
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
    'that of the last visit, of two equal weekdays',
    ['2027-01-04T10:00', '2027-02-04T10:00'],
    '2027-03-03T10:00',
    '2027-03-04T10:00',
  ],
  ['the same before it is due', ['2027-01-04T10:00'], '2027-02-03T10:00', '2027-02-01T10:00'],
  ['the weekday in the master’s time zone', ['2027-01-05T01:00'], '2027-02-01T23:00', '2027-02-02T01:00'],
])('the usual time is on %s', (_, visits, due, expected) => {
  expect(usual(visits, due)).toBe(at(expected).toISOString());
});
