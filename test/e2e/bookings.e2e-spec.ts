import {
  BookingDto,
  BookingPage,
  ReviewDto,
  ReviewPage,
  ServiceDto,
  type AvailabilityDto,
  type BookingState,
  type SlotPage,
} from '#contracts';
import { ChangeBooking, ExpireBookings, RemindBookings } from '#marketplace';
import { CommandBus } from '@nestjs/cqrs';
import {
  contractErrors,
  createTestDatabase,
  promised,
  rememberPromises,
  TestApp,
  type Account,
  type Device,
} from '#testing';
import { randomUUID } from 'node:crypto';

const HOUR = 3600_000;
const DAY = 24 * HOUR;
const ALWAYS: Omit<AvailabilityDto, 'days_off'> = {
  timezone: 'UTC',
  weekly: [0, 1, 2, 3, 4, 5, 6].map((weekday) => ({ weekday, from: '00:00', to: '24:00' })),
};

let app: TestApp;
let master: Account;
let client: Account;
let stranger: Account;
let service: ServiceDto;
let hers: Device;
let his: Device;
beforeAll(async () => {
  app = await TestApp.start();
  await rememberPromises(app);
  stranger = await app.register('Глеб');
});
afterAll(() => app.stop());
// A master with a calendar of their own for each test.
beforeEach(async () => {
  [master, client] = await app.people('Анна', 'Борис');
  service = (await offer(master)).body;
  await app.request('PUT', 'users/me/availability', master.token, ALWAYS);
  [hers, his] = await app.devices(master, client);
});

const offer = (account: Account, more: object = {}) =>
  app.request<ServiceDto>('POST', 'services', account.token, {
    name: 'Маникюр',
    price: 2000,
    duration: 60,
    ...more,
  });
/** So many days ahead, at a full hour. */
const at = (days: number, hour = 12) =>
  new Date(Math.floor(Date.now() / DAY) * DAY + days * DAY + hour * HOUR).toISOString();
const request = (account: Account, starts_at: string, more: object = {}) =>
  app.request<BookingDto>('POST', 'bookings', account.token, { service_id: service.id, starts_at, ...more });
const step = (account: Account, id: string, action: string, body: object = {}) =>
  app.request<BookingDto>('POST', `bookings/${id}/${action}`, account.token, body);
const booked = async (days = 2, hour = 12) => (await request(client, at(days, hour))).body;
/** Moves a booking to a state, or in time, as the days would. */
const put = (id: string, status: BookingState, startsIn?: number) =>
  app.rows(
    `UPDATE bookings SET status = $2::booking_status, starts_at = COALESCE($3, starts_at),
       ends_at = COALESCE($3 + interval '1 hour', ends_at) WHERE id = $1`,
    [id, status, startsIn === undefined ? null : new Date(Date.now() + startsIn)],
  );
const stored = async (id: string) =>
  (
    await app.rows<{ status: string; reason: string | null }>('SELECT * FROM bookings WHERE id = $1', [id])
  )[0]!;
const run = <T>(command: { now: Date } & T) => app.app.get(CommandBus).execute(command as never);
/** As numbers, too. */
const sorted = (numbers: number[]) => numbers.sort((a, b) => a - b);
const told = async (type: Parameters<typeof promised>[1], id: string) =>
  (await promised(app, type)).filter(({ key }) => key === `${type}:${id}`);

describe('a request', () => {
  it('is the booking, in the words and at the price of the moment, and both sides and the master are told', async () => {
    const tablet = await app.device(client);
    const { status, body } = await request(client, at(2), { note: ' Без лака ' });
    expect([status, contractErrors(BookingDto, body)]).toEqual([201, []]);
    expect(body).toMatchObject({
      service_id: service.id,
      service_name: 'Маникюр',
      price: 2000,
      master: { id: master.id, name: 'Анна', avatar: null },
      client: { id: client.id, name: 'Борис', avatar: null },
      starts_at: at(2),
      ends_at: at(2, 13),
      status: 'requested',
      note: 'Без лака',
      reason: null,
      review: null,
    });
    for (const device of [hers, his, tablet]) {
      expect(await device.next('booking:updated')).toEqual(body);
      await device.settled();
      expect(device.all('booking:updated')).toHaveLength(1);
    }
    const facts = { booking_id: body.id, service_id: service.id, service_name: 'Маникюр', starts_at: at(2) };
    expect(await told('booking_request', body.id)).toEqual([
      {
        type: 'booking_request',
        key: `booking_request:${body.id}`,
        actorId: client.id,
        to: [master.id],
        data: { ...facts, master_id: master.id, client_id: client.id, timezone: 'UTC' },
      },
    ]);
    await app.request('PATCH', `services/${service.id}`, master.token, { name: 'Педикюр', price: 1 });
    const later = await app.request<BookingDto>('GET', `bookings/${body.id}`, client.token);
    expect(later.body).toEqual(body);
  });

  it('of one slot by 200 at once makes one booking', async () => {
    const crowd = await Promise.all(Array.from({ length: 20 }, () => app.register()));
    const starts_at = at(3);
    const replies = await Promise.all(
      Array.from({ length: 200 }, (_, i) => request(crowd[i % 20]!, starts_at)),
    );
    const answers = replies.map(({ status, body }) => `${status} ${body.code ?? ''}`);
    expect(answers.filter((answer) => answer === '201 ')).toHaveLength(1);
    expect(answers.filter((answer) => answer === '409 CONFLICT')).toHaveLength(199);
    const rows = await app.rows('SELECT FROM bookings WHERE master_id = $1', [master.id]);
    expect(rows).toHaveLength(1);
    const promises = (await promised(app, 'booking_request')).filter(({ to }) => to.includes(master.id));
    expect(promises).toHaveLength(1);
  });

  it('that overlaps a booking of another of the master’s services is a CONFLICT, one that touches it is not', async () => {
    const long = (await offer(master, { duration: 90 })).body;
    expect((await request(client, at(2, 12))).status).toBe(201);
    for (const [hour, status] of [
      [10.5, 201],
      [12, 409],
      [13.5, 201],
    ] as const) {
      const reply = await request(stranger, at(2, hour), { service_id: long.id });
      expect([hour, reply.status]).toEqual([hour, status]);
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
    ['more than a year ahead', () => ({ starts_at: at(367) }), 400, 'starts_at'],
    ['no time', () => ({ starts_at: 'tomorrow' }), 400, 'starts_at'],
    ['a time without its offset', () => ({ starts_at: '2026-12-12T12:00:00' }), 400, 'starts_at'],
    ['the year 1', () => ({ starts_at: '0001-01-01T00:00:00Z' }), 400, 'starts_at'],
    ['no id', () => ({ service_id: 'x', starts_at: at(2) }), 400, 'service_id'],
    ['a long note', () => ({ starts_at: at(2), note: 'x'.repeat(1001) }), 400, 'note'],
    ['an unknown service', () => ({ service_id: randomUUID(), starts_at: at(2) }), 404, ''],
  ])('of %s is refused, and nothing is stored', async (_, body, status, field) => {
    const reply = await request(client, at(2), body());
    expect([reply.status, reply.body.details?.[0]?.field ?? '']).toEqual([status, field]);
    expect(await app.rows('SELECT FROM bookings WHERE master_id = $1', [master.id])).toEqual([]);
  });

  it('keeps to the hours, the days off and the services that there are', async () => {
    expect((await request(master, at(2))).body.code).toBe('FORBIDDEN');
    const availability = { ...ALWAYS, days_off: [at(2).slice(0, 10)] };
    await app.request('PUT', 'users/me/availability', master.token, availability);
    expect((await request(client, at(2))).body.details![0]!.field).toBe('starts_at');
    await app.request('PUT', 'users/me/availability', master.token, { timezone: 'UTC', weekly: [] });
    expect((await request(client, at(3))).body.details![0]!.field).toBe('starts_at');
    const other = (await offer(stranger)).body;
    expect((await request(client, at(3), { service_id: other.id })).body.details![0]!.field).toBe(
      'starts_at',
    );
    await app.request('PUT', 'users/me/availability', master.token, ALWAYS);
    await app.request('DELETE', `services/${service.id}`, master.token);
    expect((await request(client, at(3))).body.code).toBe('NOT_FOUND');
  });

  it('does not cross a block, whoever blocked', async () => {
    for (const [a, b] of [
      [master, client],
      [client, master],
    ] as const) {
      await app.rows('DELETE FROM blocks');
      await app.rows('INSERT INTO blocks (blocker_id, blocked_id) VALUES ($1, $2)', [a.id, b.id]);
      expect((await request(client, at(2))).body.code).toBe('NOT_FOUND');
    }
  });
});

describe('a step', () => {
  const STATES = ['requested', 'confirmed', 'completed', 'declined', 'cancelled', 'expired'] as const;
  const ACTIONS = ['confirm', 'decline', 'cancel', 'complete'] as const;
  const WHO = ['master', 'client', 'stranger'] as const;
  /** What the contract allows; all else is refused. */
  const ALLOWED: Record<string, BookingState> = {
    'requested confirm master': 'confirmed',
    'requested decline master': 'declined',
    'requested cancel master': 'cancelled',
    'requested cancel client': 'cancelled',
    'confirmed cancel master': 'cancelled',
    'confirmed cancel client': 'cancelled',
    'confirmed complete master': 'completed',
  };
  const mayEver = (action: string, who: string) =>
    Object.keys(ALLOWED).some((cell) => cell.endsWith(`${action} ${who}`));

  it.each(STATES.flatMap((state) => ACTIONS.map((action) => [state, action] as const)))(
    'from %s by %s is taken by whom it belongs to, and by nobody else',
    async (state, action) => {
      for (const who of WHO) {
        const { id } = await booked();
        await put(id, state, action === 'complete' ? -HOUR : undefined);
        const account = { master, client, stranger }[who];
        const { status, body } = await step(account, id, action, { reason: 'Не могу' });
        const to = ALLOWED[`${state} ${action} ${who}`];
        const code = to ? undefined : mayEver(action, who) ? 'CONFLICT' : 'FORBIDDEN';
        expect([who, body.code, (await stored(id)).status]).toEqual([who, code, to ?? state]);
        if (to) expect([status, body.status, contractErrors(BookingDto, body)]).toEqual([200, to, []]);
        await put(id, 'declined');
      }
    },
  );

  it('of an unknown booking is NOT_FOUND', async () => {
    for (const action of ACTIONS)
      expect((await step(master, randomUUID(), action)).body.code).toBe('NOT_FOUND');
    expect((await step(master, randomUUID(), 'review', { rating: 5 })).body.code).toBe('NOT_FOUND');
  });

  it('waits for the start to be completed, and must not for the others', async () => {
    const { id } = await booked();
    await step(master, id, 'confirm');
    expect((await step(master, id, 'complete')).body.code).toBe('CONFLICT');
    await put(id, 'confirmed', -1000);
    expect((await step(client, id, 'cancel')).body.code).toBe('CONFLICT');
    await put(id, 'requested', -1000);
    for (const action of ['confirm', 'cancel'])
      expect((await step(master, id, action)).body.code).toBe('CONFLICT');
  });

  it('tells the other side, with the reason', async () => {
    const confirmed = await booked();
    await step(master, confirmed.id, 'confirm');
    expect(await told('booking_confirmed', confirmed.id)).toMatchObject([
      { to: [client.id], actorId: master.id },
    ]);
    await step(client, confirmed.id, 'cancel', { reason: 'Заболел' });
    const data = { booking_id: confirmed.id, outcome: 'cancelled', reason: 'Заболел' };
    expect(await told('booking_cancelled', confirmed.id)).toMatchObject([
      { to: [master.id], actorId: client.id, data },
    ]);
    const declined = await booked();
    const { body } = await step(master, declined.id, 'decline', { reason: 'Отпуск' });
    expect(body.reason).toBe('Отпуск');
    const why = { outcome: 'declined', reason: 'Отпуск' };
    expect(await told('booking_cancelled', declined.id)).toMatchObject([{ to: [client.id], data: why }]);
    const cancelled = await booked();
    // A reason is not needed, nor then a body.
    await app.request('POST', `bookings/${cancelled.id}/cancel`, master.token);
    const none = { outcome: 'cancelled', reason: null };
    expect(await told('booking_cancelled', cancelled.id)).toMatchObject([{ to: [client.id], data: none }]);
    for (const device of [hers, his])
      for (const [id, status] of [
        [confirmed.id, 'cancelled'],
        [declined.id, 'declined'],
        [cancelled.id, 'cancelled'],
      ])
        await device.next('booking:updated', (b) => b.id === id && b.status === status);
  });

  it('is one of two that exclude each other', async () => {
    for (let i = 0; i < 10; i++) {
      const { id } = await booked(2, i);
      const steps = [step(master, id, 'confirm'), step(master, id, 'decline')];
      const replies = await Promise.all([...steps, step(master, id, 'confirm'), step(master, id, 'decline')]);
      expect(sorted(replies.map(({ status }) => status))).toEqual([200, 409, 409, 409]);
      const winner = replies.find(({ status }) => status === 200)!;
      expect((await stored(id)).status).toBe(winner.body.status);
      const promises = [...(await told('booking_confirmed', id)), ...(await told('booking_cancelled', id))];
      expect(promises).toHaveLength(1);
    }
  });

  it('that ends a booking frees its time, and no other does', async () => {
    const first = await booked();
    await step(master, first.id, 'confirm');
    expect((await request(stranger, at(2))).status).toBe(409);
    await step(client, first.id, 'cancel');
    expect((await request(stranger, at(2))).status).toBe(201);
  });
});

describe('what is mine', () => {
  it('is shown to its two sides, on either side or both, the latest start first, page by page', async () => {
    const own = (await offer(client)).body;
    await app.request('PUT', 'users/me/availability', client.token, ALWAYS);
    const ids: string[] = [];
    for (const hour of [9, 11, 13]) {
      ids.unshift((await booked(2, hour)).id);
      ids.unshift((await request(stranger, at(2, hour + 1), { service_id: own.id })).body.id);
    }
    const list = async (query: string) => {
      const { body } = await app.request<BookingPage>('GET', `bookings?${query}`, client.token);
      expect(contractErrors(BookingPage, body)).toEqual([]);
      return body;
    };
    const idsOf = async (query: string) => (await list(query)).items.map(({ id }) => id);
    expect(await idsOf('')).toEqual(ids);
    expect(await idsOf('role=master')).toEqual(ids.filter((_, i) => i % 2 === 0));
    expect(await idsOf('role=client')).toEqual(ids.filter((_, i) => i % 2 === 1));
    await step(master, ids[1]!, 'confirm');
    expect(await idsOf('status=confirmed')).toEqual([ids[1]]);
    const paged: string[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const page = await list(`limit=2${cursor && `&cursor=${cursor}`}`);
      paged.push(...page.items.map(({ id }) => id));
      cursor = page.next_cursor;
    }
    expect(paged).toEqual(ids);
    for (const bad of ['cursor=x', 'role=admin', 'status=gone', 'limit=0'])
      expect((await app.request('GET', `bookings?${bad}`, client.token)).status).toBe(400);
    const path = `bookings/${ids[1]}`;
    for (const side of [client, master])
      expect((await app.request('GET', path, side.token)).status).toBe(200);
    expect((await app.request('GET', path, stranger.token)).body.code).toBe('FORBIDDEN');
    expect((await app.request('GET', `bookings/${randomUUID()}`, client.token)).body.code).toBe('NOT_FOUND');
  });
});

describe('a request that nobody answers', () => {
  it('expires after 24 h, or at its start, is told to its client, and frees the time', async () => {
    const [late, passed, fresh, answered] = [
      await booked(2),
      await booked(3),
      await booked(4),
      await booked(5),
    ];
    await step(master, answered.id, 'confirm');
    const asked = `UPDATE bookings SET created_at = now() - $2::interval WHERE id = $1`;
    await app.rows(asked, [late.id, '24 hours']);
    await app.rows(asked, [fresh.id, '23 hours 59 minutes']);
    await app.rows(asked, [answered.id, '3 days']);
    await put(passed.id, 'requested', -1);
    await Promise.all([run(new ExpireBookings()), run(new ExpireBookings())]);
    for (const [{ id }, status] of [
      [late, 'expired'],
      [passed, 'expired'],
      [fresh, 'requested'],
      [answered, 'confirmed'],
    ] as const)
      expect([id, (await stored(id)).status]).toEqual([id, status]);
    const data = { outcome: 'expired', reason: null };
    expect(await told('booking_cancelled', late.id)).toMatchObject([
      { to: [client.id], actorId: null, data },
    ]);
    for (const device of [hers, his]) {
      await device.next('booking:updated', ({ id, status }) => id === late.id && status === 'expired');
      await device.settled();
      expect(device.all('booking:updated').filter(({ status }) => status === 'expired')).toHaveLength(2);
    }
    expect((await request(stranger, at(2))).status).toBe(201);
  });
});

describe('reminders', () => {
  const reminders = async (device: Device, booking: string) => {
    await device.settled();
    return device
      .all('booking:updated')
      .flatMap(({ id, reminder }) => (id === booking && reminder ? [reminder] : []));
  };
  /** Confirmed so long before its start. */
  const confirmed = async ({ id, starts_at }: BookingDto, hours: number) => {
    const now = new Date(Date.parse(starts_at) - hours * HOUR);
    await run(new ChangeBooking(master.id, id, 'confirm', undefined, now));
  };
  const remindAt = (start: string, minutesBefore: number) =>
    run(new RemindBookings(new Date(Date.parse(start) - minutesBefore * 60_000)));

  it('go to both sides 24 h and 2 h before, each once, whoever runs the job and how often', async () => {
    const booking = await booked(3);
    const { id, starts_at } = booking;
    await confirmed(booking, 48);
    await remindAt(starts_at, 24 * 60 + 1);
    expect(await reminders(his, id)).toEqual([]);
    await Promise.all([remindAt(starts_at, 24 * 60), remindAt(starts_at, 24 * 60)]);
    await remindAt(starts_at, 23 * 60);
    expect(await reminders(his, id)).toEqual(['24h']);
    await remindAt(starts_at, 121);
    expect(await reminders(his, id)).toEqual(['24h']);
    await Promise.all([remindAt(starts_at, 120), remindAt(starts_at, 120)]);
    await remindAt(starts_at, 30);
    await remindAt(starts_at, -1);
    for (const device of [hers, his]) expect(await reminders(device, id)).toEqual(['24h', '2h']);
  });

  it('come late rather than not at all, but not when they no longer make sense', async () => {
    const booking = await booked(3);
    const { id, starts_at } = booking;
    await confirmed(booking, 48);
    await remindAt(starts_at, 100);
    expect(await reminders(his, id)).toEqual(['2h']);
    const missed = await booked(4);
    await confirmed(missed, 48);
    await remindAt(missed.starts_at, 0);
    expect(await reminders(his, missed.id)).toEqual([]);
  });

  it('do not remind of what has just been confirmed, of requests, or of what is off', async () => {
    const [late, asked, off] = [await booked(3), await booked(4), await booked(5)];
    await confirmed(late, 10);
    await confirmed(off, 48);
    await step(client, off.id, 'cancel');
    for (const { starts_at } of [late, asked, off]) {
      await remindAt(starts_at, 9 * 60);
      await remindAt(starts_at, 60);
    }
    expect(await reminders(his, late.id)).toEqual(['2h']);
    for (const { id } of [asked, off]) expect(await reminders(his, id)).toEqual([]);
  });
});

describe('a review', () => {
  const review = (account: Account, id: string, body: object = { rating: 5 }) =>
    app.request<ReviewDto>('POST', `bookings/${id}/review`, account.token, body);
  const completed = async (hour: number) => {
    const { id } = await booked(2, hour);
    await put(id, 'completed');
    return id;
  };
  const reviews = async (query = '') => {
    const { body } = await app.request<ReviewPage>(
      'GET',
      `users/${master.id}/reviews${query}`,
      stranger.token,
    );
    expect(contractErrors(ReviewPage, body)).toEqual([]);
    return body;
  };

  it('is the client’s, of a completed booking, once', async () => {
    const id = await completed(1);
    expect((await review(master, id)).body.code).toBe('FORBIDDEN');
    expect((await review(stranger, id)).body.code).toBe('FORBIDDEN');
    for (const body of [
      {},
      { rating: 0 },
      { rating: 6 },
      { rating: 4.5 },
      { rating: '5' },
      { rating: 5, text: 1 },
    ])
      expect([body, (await review(client, id, body)).body.code]).toEqual([body, 'INVALID_DATA']);
    const open = await booked(3);
    expect((await review(client, open.id)).body.code).toBe('CONFLICT');
    const replies = await Promise.all(
      [1, 2, 3, 4].map((rating) => review(client, id, { rating, text: 'Хорошо' })),
    );
    expect(sorted(replies.map(({ status }) => status))).toEqual([201, 409, 409, 409]);
    const made = replies.find(({ status }) => status === 201)!.body;
    expect(contractErrors(ReviewDto, made)).toEqual([]);
    expect(made).toMatchObject({ booking_id: id, author: { id: client.id, name: 'Борис' }, text: 'Хорошо' });

    for (const device of [hers, his])
      await device.next('booking:updated', (b) => b.id === id && b.review?.id === made.id);
    expect((await app.request<BookingDto>('GET', `bookings/${id}`, master.token)).body.review).toEqual(made);
    const data = { review_id: made.id, booking_id: id, user_id: client.id, rating: made.rating };
    expect(await told('review_received', id)).toMatchObject([{ to: [master.id], actorId: client.id, data }]);
    expect(await reviews()).toMatchObject({ items: [made], average: made.rating, count: 1 });
  });

  it('moves the master’s average and count, also when many come at once', async () => {
    const { body: before } = await app.request<ServiceDto>('GET', `services/${service.id}`, client.token);
    expect(before.master).toMatchObject({ rating: null, reviews_count: 0 });
    expect(await reviews()).toEqual({ items: [], next_cursor: null, average: null, count: 0 });
    const ratings = [5, 4, 4, 1, 5, 2, 3];
    const ids = [];
    for (const hour of ratings.keys()) ids.push(await completed(hour));
    await Promise.all(ids.map((id, i) => review(client, id, { rating: ratings[i] })));
    const { body } = await app.request<ServiceDto>('GET', `services/${service.id}`, client.token);
    expect(body.master).toMatchObject({ rating: 3.4, reviews_count: 7 });
    const first = await reviews('?limit=4');
    const rest = await reviews(`?limit=4&cursor=${first.next_cursor}`);
    expect([first.average, first.count, rest.next_cursor]).toEqual([3.4, 7, null]);
    expect([...first.items, ...rest.items].map((r) => r.booking_id).sort()).toEqual(ids.sort());
    for (const pair of [
      [client.id, stranger.id],
      [stranger.id, client.id],
    ]) {
      await app.rows('INSERT INTO blocks (blocker_id, blocked_id) VALUES ($1, $2)', pair);
      expect(await reviews()).toMatchObject({ items: [], average: 3.4, count: 7 });
      await app.rows('DELETE FROM blocks');
    }
  });
});

describe('slots', () => {
  const slots = async (query: string, id = service.id) => {
    const path = `services/${id}/slots?${query}`;
    return (await app.request<SlotPage>('GET', path, client.token)).body;
  };

  it('are free, to come, and paged in order', async () => {
    const query = `from=${at(2, 0)}&to=${at(4, 0)}`;
    const all = (await slots(query)).items;
    expect(all).toHaveLength(48);
    expect(all[0]).toEqual({ starts_at: at(2, 0), ends_at: at(2, 1) });
    await booked(2, 5);
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

    expect((await slots(`from=${at(364)}&to=${at(400)}&limit=200`)).items.length).toBeLessThan(49);
  });

  it('are of the service’s length, and each of them can be booked', async () => {
    const { id } = (await offer(master, { duration: 95 })).body;
    await booked(2, 5);
    const { items } = await slots(`from=${at(2, 0)}&to=${at(2, 12)}`, id);
    expect(items.length).toBeGreaterThan(3);
    for (const { starts_at, ends_at } of items) {
      const reply = await request(stranger, starts_at, { service_id: id });
      expect([reply.status, reply.body.ends_at]).toEqual([201, ends_at]);
    }
    expect((await slots(`from=${at(2, 0)}&to=${at(2, 12)}`, id)).items).toEqual([]);
  });

  it.each([
    '',
    'from=x&to=2030-01-01T00:00:00Z',
    'from=2030-01-01T00:00:00Z&to=2030-13-01T00:00:00Z',
    'from=2030-01-01T00:00:00Z&to=2030-01-02T00:00:00Z&cursor=x',
    'from=2030-01-01T00:00:00Z&to=2030-01-02T00:00:00Z&limit=201',
  ])('%s is INVALID_DATA', async (query) => {
    expect((await slots(query)) as object).toMatchObject({ code: 'INVALID_DATA' });
  });

  it('are of 62 days at most, in their order', async () => {
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

it('times are what they are, also in a database whose clock is set to another zone', async () => {
  const database = await createTestDatabase();
  await app.rows(`ALTER DATABASE "${database.name}" SET timezone = 'Asia/Tokyo'`);
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
