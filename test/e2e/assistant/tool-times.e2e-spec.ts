import type { BookingDto, ServiceDto } from '#contracts';
import type { Account } from '#testing';
import { DateTime } from 'luxon';
import { exchange, Scene, type Conversation } from './scene.js';
import { toolsOf, type List } from './tool-results.js';

let scene: Scene;
let conversation: Conversation;
beforeAll(async () => (scene = await Scene.start()));
afterAll(() => scene.stop());
beforeEach(async () => (conversation = await scene.chat()));

const { result } = toolsOf(() => ({ scene, conversation }));

interface Times {
  starts_at: string;
  starts_local: string;
  for_user?: string;
  timezone?: string;
}

/** A master who works from 9 to 18 each day in a time zone, and a service of one hour. */
async function masterIn(timezone: string): Promise<{ token: string; service: ServiceDto }> {
  const { app } = scene;
  const { token } = await app.register(`Мастер ${timezone}`);
  const weekly = [0, 1, 2, 3, 4, 5, 6].map((weekday) => ({ weekday, from: '09:00', to: '18:00' }));
  await app.request('PUT', 'users/me/availability', token, { timezone, weekly });
  const offer = { name: `Стрижка ${timezone}`, price: 1000, duration: 60 };
  return { token, service: (await app.request<ServiceDto>('POST', 'services', token, offer)).body };
}

/** The start of a day in the zone. `daysOf` adds the next two days on which its clock changes. */
const ahead = (timezone: string, days: number) =>
  DateTime.now().setZone(timezone).plus({ days }).startOf('day');
const daysOf = (timezone: string) => {
  const changes = Array.from({ length: 360 }, (_, i) => ahead(timezone, i + 1)).filter(
    (day) => day.offset !== day.plus({ days: 1 }).offset,
  );
  return [ahead(timezone, 3), ...changes.slice(0, 2)];
};

it.each(['Europe/Moscow', 'Asia/Vladivostok', 'America/New_York', 'Asia/Kathmandu'])(
  'the assistant uses the clock of a master in %s, also on the days of a clock change',
  async (timezone) => {
    conversation = await scene.chat(await scene.app.register('Клиент'));
    const { service: cut, token } = await masterIn(timezone);
    const { items } = await result<List<{ timezone: string }>>('search_services', { query: cut.name });
    expect(items).toMatchObject([{ id: cut.id, timezone }]);
    for (const day of daysOf(timezone)) {
      const date = day.toISODate()!;
      const slots = await result<List<Times> & { timezone: string; now: string }>('free_slots', {
        service_id: cut.id,
        from: date,
      });
      expect(slots.timezone).toBe(timezone);
      expect(slots.now).toContain(timezone);
      expect(slots.items.map(({ starts_local }) => starts_local)).toEqual(
        [9, 10, 11, 12, 13, 14, 15, 16, 17].map(
          (hour) => `${date} ${String(hour).padStart(2, '0')}:00 ${timezone}`,
        ),
      );
      expect(slots.items[0]!.starts_at).toBe(day.set({ hour: 9 }).toISO({ suppressMilliseconds: true }));
      const morning = { service_id: cut.id, from: `${date} 10:00`, to: `${date}T12:00` };
      const instants = {
        service_id: cut.id,
        from: day.set({ hour: 10 }).toUTC().toISO(),
        to: day.set({ hour: 12 }).toISO(),
      };
      const [local, exact] = [
        await result<List<Times>>('free_slots', morning),
        await result<List<Times>>('free_slots', instants),
      ];
      expect(local.items.map(({ starts_local }) => starts_local)).toEqual([
        `${date} 10:00 ${timezone}`,
        `${date} 11:00 ${timezone}`,
      ]);
      expect(exact).toMatchObject({ items: local.items });
    }
    const [day] = daysOf(timezone);
    const { token: client } = conversation.account;
    const booking = { service_id: cut.id, starts_at: day!.set({ hour: 9 }).toUTC().toISO() };
    const { body } = await scene.app.request<BookingDto>('POST', 'bookings', client, booking);
    const { items: bookings } = await result<List<Times & { id: string }>>('my_bookings', {});
    expect(bookings.find(({ id }) => id === body.id)).toMatchObject({
      starts_at: day!.set({ hour: 9 }).toISO({ suppressMilliseconds: true }),
      starts_local: `${day!.toISODate()} 09:00 ${timezone}`,
      timezone,
    });
    await scene.app.request('POST', `bookings/${body.id}/decline`, token);
  },
);

it('the assistant knows the date and the clock of the user, and gives times in it, too', async () => {
  const { token } = conversation.account;
  const quiet_hours = { from: '23:00', to: '07:00', timezone: 'Asia/Vladivostok' };
  await scene.app.request('PUT', 'notifications/preferences', token, { quiet_hours });
  const { service: cut } = await masterIn('Europe/Moscow');
  const day = ahead('Europe/Moscow', 2);
  const { items } = await result<List<Times>>('free_slots', { service_id: cut.id, from: day.toISODate()! });
  expect(items[0]).toMatchObject({
    starts_local: `${day.toISODate()} 09:00 Europe/Moscow`,
    for_user: `${day.toISODate()} 16:00 Asia/Vladivostok`,
  });
  const system = scene.model.requests.at(-1)!.messages[0]!.content!;
  const now = DateTime.now().setZone('Asia/Vladivostok');
  expect(system).toContain('Asia/Vladivostok, UTC+10:00 (the time zone of the user)');
  expect(system).toContain(now.toFormat('EEEE, yyyy-MM-dd '));
  await scene.app.request('PUT', 'notifications/preferences', token, { quiet_hours: null });
});

it('the assistant falls back to the zone of the user’s own week, or of the last master', async () => {
  const system = async (account: Account) => {
    await exchange((await scene.chat(account)).client, 'Который час?');
    return scene.model.requests.at(-1)!.messages[0]!.content!;
  };
  const { token } = await masterIn('Asia/Kathmandu');
  expect(await system({ token } as Account)).toContain(
    'Asia/Kathmandu, UTC+05:45 (the time zone of the user)',
  );
  const boris = await scene.app.register('Борис');
  const { service: cut } = await masterIn('UTC');
  const booking = { service_id: cut.id, starts_at: ahead('UTC', 2).set({ hour: 9 }).toISO() };
  expect((await scene.app.request('POST', 'bookings', boris.token, booking)).status).toBe(201);
  expect(await system(boris)).toContain('UTC, UTC+00:00 (the time zone of the user)');
  expect(await system(await scene.app.register('Новый'))).toContain('the time zone of the user is not known');
});
