import type { AvailabilityDto, BookingDto, ServiceDto, SlotPage } from '#contracts';
import { createTestDatabase, TestApp } from '#testing';
import { randomUUID } from 'node:crypto';
import { ALWAYS, HOUR, at, useBookings } from './scene.js';

const scene = useBookings();
const { book, offer, request, step } = scene;

describe('slots', () => {
  const slots = async (query: string, id = scene.service.id) => {
    const path = `services/${id}/slots?${query}`;
    return (await scene.app.request<SlotPage>('GET', path, scene.client.token)).body;
  };

  it('are free, in the future, and paged in order', async () => {
    const query = `from=${at(2, 0)}&to=${at(4, 0)}`;
    const all = (await slots(query)).items;
    expect(all).toHaveLength(48);
    expect(all[0]).toEqual({ starts_at: at(2, 0), ends_at: at(2, 1) });
    await book(2, 5);
    const free = all.filter(({ starts_at }) => starts_at !== at(2, 5));
    const paged: object[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const page = await slots(`${query}&limit=13${cursor && `&cursor=${cursor}`}`);
      expect(page.items.length).toBeLessThanOrEqual(13);
      paged.push(...page.items);
      cursor = page.next_cursor;
    }
    expect(paged).toEqual(free);
    const now = Date.now();
    const { items } = await slots(`from=${at(-2)}&to=${at(2)}&limit=200`);
    expect(Date.parse(items[0]!.starts_at)).toBeGreaterThan(now);

    const last = (await slots(`from=${at(364)}&to=${at(400)}&limit=200`)).items.at(-1)!;
    const ahead = Date.parse(last.starts_at) - now;
    // A year ahead, whatever the time of day.
    expect(ahead).toBeGreaterThan(365 * 24 * HOUR);
    expect(ahead).toBeLessThan(366 * 24 * HOUR + 60_000);
  });

  it('are queried and booked with times as clients of any language write them', async () => {
    const [day, end] = [at(3, 0).slice(0, 19), at(3, 4).slice(0, 19)];
    const plain = await slots(`from=${day}Z&to=${end}Z`);
    expect(plain.items).toHaveLength(4);
    for (const tail of ['.000000Z', '.0000000Z', '.000000001Z', '%2B00:00', '.000000%2B00:00', '-00:00', 'z'])
      expect([tail, await slots(`from=${day}${tail}&to=${end}${tail}`)]).toEqual([tail, plain]);
    const moscow = new Date(Date.parse(at(3, 2)) + 3 * HOUR).toISOString().slice(0, 19);
    const body = (await request(scene.client, `${moscow}.000000+03:00`)).body;
    expect([body.starts_at, body.ends_at]).toEqual([at(3, 2), at(3, 3)]);
  });

  it('come from windows written with seconds, and are shown without', async () => {
    const weekly = [{ weekday: new Date(at(3)).getUTCDay(), from: '09:00:00', to: '11:00:00.0000000' }];
    const said = { timezone: 'UTC', weekly };
    const put = await scene.app.request<AvailabilityDto>(
      'PUT',
      'users/me/availability',
      scene.master.token,
      said,
    );
    expect(put.body.weekly).toMatchObject([{ from: '09:00', to: '11:00' }]);
    expect((await slots(`from=${at(3, 0)}&to=${at(4, 0)}`)).items).toHaveLength(2);
    const odd = { ...said, weekly: [{ ...weekly[0], to: '11:00:30' }] };
    expect((await scene.app.request('PUT', 'users/me/availability', scene.master.token, odd)).status).toBe(
      400,
    );
  });

  it('have the service’s duration, and each can be booked', async () => {
    const { id } = (await offer(scene.master, { duration: 95 })).body;
    await book(2, 5);
    const { items } = await slots(`from=${at(2, 0)}&to=${at(2, 12)}`, id);
    expect(items.length).toBeGreaterThan(3);
    for (const { starts_at, ends_at } of items) {
      const reply = await request(scene.stranger, starts_at, { service_id: id });
      expect([reply.status, reply.body.ends_at]).toEqual([201, ends_at]);
      await step(scene.master, reply.body.id, 'confirm');
    }
    expect((await slots(`from=${at(2, 0)}&to=${at(2, 12)}`, id)).items).toEqual([]);
  });

  it.each([
    '',
    'from=x&to=2030-01-01T00:00:00Z',
    'from=2030-01-01T00:00:00Z&to=2030-13-01T00:00:00Z',
    'from=2030-01-01T00:00:00Z&to=2030-02-30T00:00:00Z',
    'from=2030-01-01T00:00:00&to=2030-01-02T00:00:00Z',
    'from=2030-01-01T00:00:00Z&to=2030-01-02T00:00:00Z&cursor=x',
    'from=2030-01-01T00:00:00Z&to=2030-01-02T00:00:00Z&limit=201',
  ])('%s is INVALID_DATA', async (query) => {
    expect((await slots(query)) as object).toMatchObject({ code: 'INVALID_DATA' });
  });

  it('span midnight where windows touch, and a window to 00:00 ends with its day', async () => {
    const weekly = [0, 1, 2, 3, 4, 5, 6].flatMap((weekday) => [
      { weekday, from: '00:00', to: '02:00' },
      { weekday, from: '22:00', to: '00:00' },
    ]);
    const set = (week: object[]) =>
      scene.app.request<AvailabilityDto>('PUT', 'users/me/availability', scene.master.token, {
        timezone: 'UTC',
        weekly: week,
      });
    expect((await set(weekly)).body.weekly.map(({ to }) => to)).toEqual(
      [0, 1, 2, 3, 4, 5, 6].flatMap(() => ['02:00', '24:00']),
    );
    const { id } = (await offer(scene.master, { duration: 180 })).body;
    const night = { starts_at: at(2, 22), ends_at: at(3, 1) };
    expect((await slots(`from=${at(2, 12)}&to=${at(3, 12)}`, id)).items).toEqual([night]);
    expect((await request(scene.client, night.starts_at, { service_id: id })).body).toMatchObject(night);
    const over = await set([{ weekday: 1, from: '22:00', to: '02:00' }]);
    expect(over.body).toMatchObject({ code: 'INVALID_DATA', message: expect.stringContaining('24:00') });
    const overlap = [
      { weekday: 1, from: '22:00', to: '00:00' },
      { weekday: 1, from: '23:00', to: '24:00' },
    ];
    expect((await set(overlap)).status).toBe(400);
  });

  it('exist only for masters: a user with an offered service stays a master', async () => {
    const mine = (is_master: boolean, name = 'Анна') =>
      scene.app.request<{ code?: string; is_master: boolean }>('PATCH', 'users/me', scene.master.token, {
        is_master,
        name,
      });
    expect((await mine(false, 'Другая')).body.code).toBe('CONFLICT');
    const seen = await scene.app.request<ServiceDto>(
      'GET',
      `services/${scene.service.id}`,
      scene.client.token,
    );
    expect(seen.body.master.name).toBe('Анна');
    await scene.app.request('DELETE', `services/${scene.service.id}`, scene.master.token);
    expect((await mine(false)).body.is_master).toBe(false);
    for (let round = 0; round < 10; round++) {
      await mine(true);
      const [made] = await Promise.all([offer(scene.master), mine(false)]);
      const { body } = await scene.app.request<{ is_master: boolean }>(
        'GET',
        `users/${scene.master.id}`,
        scene.client.token,
      );
      expect(body.is_master).toBe(true);
      await scene.app.request('DELETE', `services/${made.body.id}`, scene.master.token);
    }
  });

  it('are returned for at most 62 days, in order', async () => {
    for (const range of [`from=${at(1)}&to=${at(64)}`, `from=${at(2)}&to=${at(1)}`])
      expect((await slots(range)) as object).toMatchObject({
        code: 'INVALID_DATA',
        details: [{ field: 'to' }],
      });
    expect((await slots(`from=${at(1)}&to=${at(63)}`)).items).toHaveLength(50);
    expect((await slots(`from=${at(1)}&to=${at(2)}`, randomUUID())) as object).toMatchObject({
      code: 'NOT_FOUND',
    });
  });
});

it('times are correct in a database whose clock is set to another zone', async () => {
  const database = await createTestDatabase();
  await scene.app.rows(`ALTER DATABASE "${database.name}" SET timezone = 'Asia/Tokyo'`);
  const tokyo = await TestApp.start({ DATABASE_URL: database.url });
  const [anna, boris] = await tokyo.people('Анна', 'Борис');
  await tokyo.request('PUT', 'users/me/availability', anna.token, ALWAYS);
  const body = { name: 'Маникюр', price: 0, duration: 60 };
  const { id: service_id } = (await tokyo.request<ServiceDto>('POST', 'services', anna.token, body)).body;
  const made = await tokyo.request<BookingDto>('POST', 'bookings', boris.token, {
    service_id,
    starts_at: at(2),
  });
  expect(made.body).toMatchObject({ starts_at: at(2), ends_at: at(2, 13) });
  const [row] = await tokyo.rows<{ starts_at: Date }>('SELECT starts_at FROM bookings');
  expect(row!.starts_at.toISOString()).toBe(at(2));
  const moment = Date.now();
  expect(Math.abs(Date.parse(made.body.created_at) - moment)).toBeLessThan(HOUR);
  const path = `services/${service_id}/slots?from=${at(2, 11)}&to=${at(2, 14)}`;
  const { items } = (await tokyo.request<SlotPage>('GET', path, boris.token)).body;
  expect(items.map(({ starts_at }) => starts_at)).toEqual([at(2, 11), at(2, 13)]);
  await tokyo.stop();
  await database.drop();
});
