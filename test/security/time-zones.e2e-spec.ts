import { timeZoneOf, type AvailabilityDto, type NotificationPreferencesDto } from '#contracts';
import { TestApp, type Account } from '#testing';

let app: TestApp;
let master: Account;
beforeAll(async () => {
  app = await TestApp.start();
  [master] = await app.people('Анна');
});
afterAll(() => app.stop());

const hours = (timezone: string) => ({ timezone, weekly: [{ weekday: 1, from: '09:00', to: '18:00' }] });

it.each([
  ['aMerica/Argentina/ComodRivadavia', 'America/Argentina/ComodRivadavia'],
  ['asia/kolkata', 'Asia/Kolkata'],
  ['utc', 'UTC'],
])('%s is stored and answered as %s', async (given, name) => {
  const put = await app.ask<AvailabilityDto>(master, 'PUT users/me/availability', hours(given));
  expect(put.timezone).toBe(name);
  const quiet_hours = { from: '22:00', to: '08:00', timezone: given };
  const preferences = await app.ask<NotificationPreferencesDto>(master, 'PUT notifications/preferences', {
    quiet_hours,
  });
  expect(preferences.quiet_hours!.timezone).toBe(name);
  const stored = await app.rows(
    'SELECT timezone FROM availabilities UNION ALL SELECT timezone FROM notification_preferences',
  );
  expect(stored).toEqual([{ timezone: name }, { timezone: name }]);
});

it.each(['+03:00', 'UTC+3', 'posixrules', 'Europe/Nowhere'])('%s is no time zone', async (timezone) => {
  const { status, body } = await app.request('PUT', 'users/me/availability', master.token, hours(timezone));
  expect([status, body]).toMatchObject([400, { code: 'INVALID_DATA', details: [{ field: 'timezone' }] }]);
});

it('every name that PostgreSQL and Node know has one spelling', async () => {
  const isKnown = (timeZone: string) => {
    try {
      return Boolean(new Intl.DateTimeFormat('en', { timeZone }));
    } catch {
      return false;
    }
  };
  const names = (await app.rows<{ name: string }>('SELECT name FROM pg_timezone_names')).map(
    ({ name }) => name,
  );
  expect(names.length).toBeGreaterThan(400);
  expect(names.filter((name) => isKnown(name) && timeZoneOf(name) !== name)).toEqual([]);
});
