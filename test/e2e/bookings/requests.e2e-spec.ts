import { BOOKING_LIMITS, BookingDto, BookingPage, type AvailabilityDto, type SlotPage } from '#contracts';
import { expectStatus, contractErrors, promised, type Account } from '#testing';
import { randomUUID } from 'node:crypto';
import { ALWAYS, HOUR, at, sorted, useBookings } from './scene.js';

const scene = useBookings();
const { book, offer, request, step, notified } = scene;

describe('a request', () => {
  it('keeps the current service name and price, reaches all devices of both sides, and notifies the master', async () => {
    const tablet = await scene.app.device(scene.client);
    const { status, body } = await request(scene.client, at(2), { note: ' Без лака ' });
    expect([status, contractErrors(BookingDto, body)]).toEqual([201, []]);
    expect(body).toMatchObject({
      service_id: scene.service.id,
      service_name: 'Маникюр',
      price: 2000,
      master: { id: scene.master.id, name: 'Анна', avatar: null },
      client: { id: scene.client.id, name: 'Борис', avatar: null },
      starts_at: at(2),
      ends_at: at(2, 13),
      status: 'requested',
      note: 'Без лака',
      reason: null,
      review: null,
    });
    for (const device of [scene.masterDevice, scene.clientDevice, tablet]) {
      expect(await device.next('booking:updated')).toEqual(body);
      await device.settled();
      expect(device.all('booking:updated')).toHaveLength(1);
    }
    const facts = {
      booking_id: body.id,
      service_id: scene.service.id,
      service_name: 'Маникюр',
      starts_at: at(2),
    };
    expect(await notified('booking_request', body.id)).toEqual([
      {
        type: 'booking_request',
        key: `booking_request:${body.id}`,
        actorId: scene.client.id,
        to: [scene.master.id],
        data: { ...facts, master_id: scene.master.id, client_id: scene.client.id, timezone: 'UTC' },
      },
    ]);
    await scene.app.request('PATCH', `services/${scene.service.id}`, scene.master.token, {
      name: 'Педикюр',
      price: 1,
    });
    const later = await scene.app.request<BookingDto>('GET', `bookings/${body.id}`, scene.client.token);
    expect(later.body).toEqual(body);
  });

  it('of one slot by 200 at once makes one booking', async () => {
    const manyPeople = await Promise.all(Array.from({ length: 20 }, () => scene.app.register()));
    const starts_at = at(3);
    const replies = await Promise.all(
      Array.from({ length: 200 }, (_, i) => request(manyPeople[i % 20]!, starts_at)),
    );
    const answers = replies.map(({ status, body }) => `${status} ${body.code ?? ''}`);
    expect(answers.filter((answer) => answer === '201 ')).toHaveLength(1);
    expect(answers.filter((answer) => answer === '409 CONFLICT')).toHaveLength(199);
    for (const { body } of replies.filter(({ status }) => status === 409))
      expect(body).toMatchObject({ reason: 'slot_taken' });
    const rows = await scene.app.rows('SELECT FROM bookings WHERE master_id = $1', [scene.master.id]);
    expect(rows).toHaveLength(1);
    const promises = (await promised(scene.app, 'booking_request')).filter(({ to }) =>
      to.includes(scene.master.id),
    );
    expect(promises).toHaveLength(1);
  });

  it('is limited to five per client that wait for one master, also when sent at once', async () => {
    const ask = (who: Account, hours: number[]) =>
      Promise.all(hours.map((hour) => request(who, at(2, hour))));
    const statuses = (replies: { status: number }[]) => sorted(replies.map(({ status }) => status));
    const replies = await ask(scene.client, [0, 1, 2, 3, 4, 5, 6, 7]);
    expect(statuses(replies)).toEqual([201, 201, 201, 201, 201, 409, 409, 409]);
    expect(new Set(replies.map(({ body }) => body.code))).toEqual(new Set([undefined, 'CONFLICT']));
    expect((await request(scene.client, at(3))).body).toMatchObject({
      code: 'CONFLICT',
      reason: 'too_many_open_requests',
    });
    // Other clients and other masters are unaffected.
    expect((await request(scene.stranger, at(3))).status).toBe(201);
    const another = await scene.app.register();
    const elsewhere = (await offer(another)).body;
    await scene.app.request('PUT', 'users/me/availability', another.token, ALWAYS);
    expect((await request(scene.client, at(3), { service_id: elsewhere.id })).status).toBe(201);
    const made = replies.filter(({ status }) => status === 201).map(({ body }) => body.id);
    await step(scene.master, made[0]!, 'confirm');
    await step(scene.client, made[1]!, 'cancel');
    await step(scene.master, made[2]!, 'decline');
    expect(statuses(await ask(scene.client, [10, 11, 12, 13, 14]))).toEqual([201, 201, 201, 409, 409]);
  });

  it('that overlaps a booking of another service of the master is a CONFLICT; an adjacent one is not', async () => {
    const long = (await offer(scene.master, { duration: 90 })).body;
    expect((await request(scene.client, at(2, 12))).status).toBe(201);
    for (const [hour, status] of [
      [10.5, 201],
      [12, 409],
      [13.5, 201],
    ] as const) {
      const reply = await request(scene.stranger, at(2, hour), { service_id: long.id });
      expectStatus(reply, status);
    }
  });

  it.each<[string, () => object, number, string]>([
    ['a past slot', () => ({ starts_at: at(-1) }), 400, 'starts_at'],
    [
      'a time between slots',
      () => ({ starts_at: new Date(Date.parse(at(2)) + 1).toISOString() }),
      400,
      'starts_at',
    ],
    ['a time half a slot off', () => ({ starts_at: at(2, 12.5) }), 400, 'starts_at'],
    ['a time more than a year ahead', () => ({ starts_at: at(367) }), 400, 'starts_at'],
    ['no time', () => ({ starts_at: 'tomorrow' }), 400, 'starts_at'],
    ['a time without an offset', () => ({ starts_at: '2026-12-12T12:00:00' }), 400, 'starts_at'],
    ['the year 1', () => ({ starts_at: '0001-01-01T00:00:00Z' }), 400, 'starts_at'],
    ['an invalid id', () => ({ service_id: 'x', starts_at: at(2) }), 400, 'service_id'],
    ['a long note', () => ({ starts_at: at(2), note: 'x'.repeat(1001) }), 400, 'note'],
    ['an unknown service', () => ({ service_id: randomUUID(), starts_at: at(2) }), 404, ''],
  ])('of %s is refused, and nothing is stored', async (_, body, status, field) => {
    const reply = await request(scene.client, at(2), body());
    expect([reply.status, reply.body.details?.[0]?.field ?? '']).toEqual([status, field]);
    expect(await scene.app.rows('SELECT FROM bookings WHERE master_id = $1', [scene.master.id])).toEqual([]);
  });

  it('respects working hours, days off and deleted services', async () => {
    expect((await request(scene.master, at(2))).body.code).toBe('FORBIDDEN');
    const availability = { ...ALWAYS, days_off: [at(2).slice(0, 10)] };
    await scene.app.request('PUT', 'users/me/availability', scene.master.token, availability);
    expect((await request(scene.client, at(2))).body.details![0]!.field).toBe('starts_at');
    await scene.app.request('PUT', 'users/me/availability', scene.master.token, {
      timezone: 'UTC',
      weekly: [],
    });
    expect((await request(scene.client, at(3))).body.details![0]!.field).toBe('starts_at');
    const other = (await offer(scene.stranger)).body;
    expect((await request(scene.client, at(3), { service_id: other.id })).body.details![0]!.field).toBe(
      'starts_at',
    );
    await scene.app.request('PUT', 'users/me/availability', scene.master.token, ALWAYS);
    await scene.app.request('DELETE', `services/${scene.service.id}`, scene.master.token);
    expect((await request(scene.client, at(3))).body.code).toBe('NOT_FOUND');
  });

  it('respects the master’s notice, which is one hour by default', async () => {
    const now = Date.now();
    const next = Math.ceil(now / 300_000) * 300_000;
    const soon = [next, next + 70 * 60_000].map((time) => new Date(time).toISOString()) as [string, string];
    const { id } = (await offer(scene.master, { duration: 5 })).body;
    const slots = async () => {
      const path = `services/${id}/slots?from=${new Date(now).toISOString()}&to=${at(3)}&limit=1`;
      const [first] = (await scene.app.request<SlotPage>('GET', path, scene.client.token)).body.items;
      return Date.parse(first!.starts_at) - now;
    };
    const ask = async (time: string) => {
      const { status, body } = await request(scene.client, time, { service_id: id });
      return body.details?.[0]?.field ?? status;
    };
    expect(await slots()).toBeGreaterThan(HOUR);
    expect([await ask(soon[0]), await ask(soon[1])]).toEqual(['starts_at', 201]);
    const notice = (min_notice_minutes?: number) =>
      scene.app.request<AvailabilityDto>('PUT', 'users/me/availability', scene.master.token, {
        ...ALWAYS,
        min_notice_minutes,
      });
    expect((await notice(24 * 60)).body.min_notice_minutes).toBe(1440);
    expect((await notice()).body.min_notice_minutes).toBe(1440);
    expect(await slots()).toBeGreaterThan(24 * HOUR);
    expect(await ask(at(0, 23.5))).toBe('starts_at');
    for (const bad of [-1, 0.5, 7 * 1440 + 1]) expect((await notice(bad)).status).toBe(400);
    await notice(0);
    expect(await slots()).toBeLessThan(HOUR);
    const own = (account: Account) =>
      scene.app.request<AvailabilityDto>('GET', 'users/me/availability', account.token);
    expect((await own(scene.master)).body).toEqual({ ...ALWAYS, days_off: [], min_notice_minutes: 0 });
    expect((await own(scene.client)).body).toMatchObject({ weekly: [], days_off: [] });
  });

  it('with an outdated price or duration is a CONFLICT', async () => {
    const shown = { price: scene.service.price, duration: scene.service.duration };
    await scene.app.request('PATCH', `services/${scene.service.id}`, scene.master.token, {
      price: 5000,
      duration: 60,
    });
    for (const [more, status] of [
      [shown, 409],
      [{ price: 2000 }, 409],
      [{ duration: 90 }, 409],
      [{ price: '5000' }, 400],
      [{ price: 5000, duration: 60 }, 201],
    ] as const)
      expect([more, (await request(scene.client, at(2), more)).status]).toEqual([more, status]);
    const refused = await request(scene.client, at(4), shown);
    expect(refused.body).toMatchObject({ code: 'CONFLICT', reason: 'service_changed' });
    expect((await request(scene.client, at(3), { price: null })).status).toBe(201);
  });

  it('can be made again after the master cancelled it', async () => {
    for (let round = 0; round < 3; round++) {
      const { status, body } = await request(scene.client, at(2));
      expect(status).toBe(201);
      await step(scene.master, body.id, 'cancel');
    }
  });

  it('that its client cancels again and again is refused after the second time', async () => {
    const answers = [];
    for (let round = 0; round < 4; round++) {
      const { status, body } = await request(scene.client, at(2));
      answers.push(status);
      if (status === 201) await step(scene.client, body.id, 'cancel');
    }
    expect(answers).toEqual([201, 201, 409, 409]);
    const asked = (await promised(scene.app, 'booking_request')).filter(({ to }) =>
      to.includes(scene.master.id),
    );
    expect(asked).toHaveLength(2);
    expect((await request(scene.client, at(3))).status).toBe(201);
    expect((await request(scene.stranger, at(2))).status).toBe(201);
  });

  it('is limited per client over all masters, by open ones and by day, and lower in the first days of an account', async () => {
    const { open, daily, newcomer } = BOOKING_LIMITS;
    const masters = await Promise.all(Array.from({ length: 5 }, () => scene.app.register()));
    const services = await Promise.all(
      masters.map(async (account) => {
        await scene.app.request('PUT', 'users/me/availability', account.token, ALWAYS);
        return (await offer(account)).body.id;
      }),
    );
    /** Each master has five, at different times. */
    const ask = async (count: number) => {
      const replies = await Promise.all(
        Array.from({ length: count }, (_, i) =>
          request(scene.client, at(2 + Math.floor(i / 20), i % 20), {
            service_id: services[Math.floor(i / 5)],
          }),
        ),
      );
      return replies.filter(({ status }) => status === 201).length;
    };
    const cancelled = () =>
      scene.app.rows(`UPDATE bookings SET status = 'declined' WHERE client_id = $1`, [scene.client.id]);
    expect(await ask(25)).toBe(newcomer.open);
    await cancelled();
    expect(await ask(25)).toBe(newcomer.daily - newcomer.open);
    await cancelled();
    await scene.app.rows(
      `UPDATE bookings SET created_at = now() - interval '20 hours'
       WHERE id = (SELECT id FROM bookings WHERE client_id = $1 LIMIT 1)`,
      [scene.client.id],
    );
    const refused = await request(scene.client, at(9));
    expect([refused.status, refused.body.code]).toEqual([429, 'RATE_LIMIT']);
    const { retry_after_ms } = refused.body as { retry_after_ms?: number };
    expect(Math.abs(retry_after_ms! - 4 * HOUR)).toBeLessThan(10 * 60_000);
    await scene.app.rows(`UPDATE users SET created_at = now() - interval '25 hours' WHERE id = $1`, [
      scene.client.id,
    ]);
    expect(await ask(25)).toBe(open);
    await cancelled();
    expect((await request(scene.client, at(9))).status).toBe(429);
    expect(newcomer.daily + open).toBe(daily);
    await scene.app.rows(
      `UPDATE bookings SET created_at = now() - interval '25 hours' WHERE client_id = $1`,
      [scene.client.id],
    );
    expect((await request(scene.client, at(9))).status).toBe(201);
  });

  it('is refused across a block in either direction', async () => {
    for (const [a, b] of [
      [scene.master, scene.client],
      [scene.client, scene.master],
    ] as const) {
      await scene.app.rows('DELETE FROM blocks');
      await scene.app.rows('INSERT INTO blocks (blocker_id, blocked_id) VALUES ($1, $2)', [a.id, b.id]);
      expect((await request(scene.client, at(2))).body.code).toBe('NOT_FOUND');
    }
  });
});

describe('the list of bookings', () => {
  it('shows a user’s bookings by side or both, latest start first, in pages', async () => {
    const own = (await offer(scene.client)).body;
    await scene.app.request('PUT', 'users/me/availability', scene.client.token, ALWAYS);
    const ids: string[] = [];
    for (const hour of [9, 11, 13]) {
      ids.unshift((await book(2, hour)).id);
      ids.unshift((await request(scene.stranger, at(2, hour + 1), { service_id: own.id })).body.id);
    }
    const list = async (query: string) => {
      const { body } = await scene.app.request<BookingPage>('GET', `bookings?${query}`, scene.client.token);
      expect(contractErrors(BookingPage, body)).toEqual([]);
      return body;
    };
    const idsOf = async (query: string) => (await list(query)).items.map(({ id }) => id);
    expect(await idsOf('')).toEqual(ids);
    expect(await idsOf('role=master')).toEqual(ids.filter((_, i) => i % 2 === 0));
    expect(await idsOf('role=client')).toEqual(ids.filter((_, i) => i % 2 === 1));
    await step(scene.master, ids[1]!, 'confirm');
    expect(await idsOf('status=confirmed')).toEqual([ids[1]]);
    const paged: string[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const page = await list(`limit=2${cursor && `&cursor=${cursor}`}`);
      paged.push(...page.items.map(({ id }) => id));
      cursor = page.next_cursor;
    }
    expect(paged).toEqual(ids);
    for (const bad of ['cursor=x', 'role=admin', 'status=gone', 'limit=0'])
      expect((await scene.app.request('GET', `bookings?${bad}`, scene.client.token)).status).toBe(400);
    const path = `bookings/${ids[1]}`;
    for (const side of [scene.client, scene.master])
      expect((await scene.app.request('GET', path, side.token)).status).toBe(200);
    expect((await scene.app.request('GET', path, scene.stranger.token)).body.code).toBe('FORBIDDEN');
    expect((await scene.app.request('GET', `bookings/${randomUUID()}`, scene.client.token)).body.code).toBe(
      'NOT_FOUND',
    );
  });
});
