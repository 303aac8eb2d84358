import { timeZoneOf } from './time-zones.js';

it.each([
  ['europe/moscow', 'Europe/Moscow'],
  ['aMerica/Argentina/ComodRivadavia', 'America/Argentina/ComodRivadavia'],
  ['utc', 'UTC'],
  ['etc/gmt+3', 'Etc/GMT+3'],
  ['ASIA/KOLKATA', 'Asia/Kolkata'],
  ['asia/calcutta', 'Asia/Calcutta'],
  ['gb-eire', 'GB-Eire'],
])('%s is %s, the name that was meant', (given, name) => {
  expect(timeZoneOf(given)).toBe(name);
  expect(timeZoneOf(name)).toBe(name);
});

it.each(['+03:00', '+03', 'UTC+3', 'posixrules', 'Europe/Nowhere', '__proto__', ''])('%j is none', (name) => {
  expect(timeZoneOf(name)).toBeUndefined();
});
