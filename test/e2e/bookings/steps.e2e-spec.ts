import { BookingDto, type BookingState, type SlotPage } from '#contracts';
import { contractErrors } from '#testing';
import { randomUUID } from 'node:crypto';
import { ALWAYS, HOUR, at, sorted, useBookings } from './scene.js';

const scene = useBookings();
const { book, setBooking, request, step, stored, notified } = scene;

describe('a step', () => {
  const STATES = ['requested', 'confirmed', 'completed', 'declined', 'cancelled', 'expired'] as const;
  const ACTIONS = ['confirm', 'decline', 'cancel', 'complete', 'no-show', 'dispute'] as const;
  const WHO = ['master', 'client', 'stranger'] as const;
  /** The transitions that the specification allows; all others are refused. */
  const ALLOWED: Record<string, BookingState> = {
    'requested confirm master': 'confirmed',
    'requested decline master': 'declined',
    'requested cancel master': 'cancelled',
    'requested cancel client': 'cancelled',
    'confirmed cancel master': 'cancelled',
    'confirmed cancel client': 'cancelled',
    'confirmed complete master': 'completed',
    'confirmed no-show master': 'cancelled',
  };
  const mayEver = (action: string, who: string) =>
    [...Object.keys(ALLOWED), 'cancelled dispute client'].some((cell) => cell.endsWith(`${action} ${who}`));

  it.each(STATES.flatMap((state) => ACTIONS.map((action) => [state, action] as const)))(
    'from %s by %s is allowed only to its side',
    async (state, action) => {
      for (const who of WHO) {
        const { id } = await book();
        await setBooking(id, state, ['complete', 'no-show', 'dispute'].includes(action) ? -HOUR : undefined);
        const account = { master: scene.master, client: scene.client, stranger: scene.stranger }[who];
        const { status, body } = await step(account, id, action, { reason: 'Не могу' });
        const to = ALLOWED[`${state} ${action} ${who}`];
        const code = to ? undefined : mayEver(action, who) ? 'CONFLICT' : 'FORBIDDEN';
        expect([who, body.code, (await stored(id)).status]).toEqual([who, code, to ?? state]);
        if (code === 'CONFLICT') expect(body).toMatchObject({ reason: 'wrong_state' });
        if (to) expect([status, body.status, contractErrors(BookingDto, body)]).toEqual([200, to, []]);
        await setBooking(id, 'declined');
      }
    },
  );

  it('of an unknown booking is NOT_FOUND', async () => {
    for (const action of ACTIONS)
      expect((await step(scene.master, randomUUID(), action)).body.code).toBe('NOT_FOUND');
    expect((await step(scene.master, randomUUID(), 'review', { rating: 5 })).body.code).toBe('NOT_FOUND');
  });

  it('to completed is possible only after the start, and the others only before', async () => {
    const { id } = await book();
    await step(scene.master, id, 'confirm');
    expect((await step(scene.master, id, 'complete')).body.code).toBe('CONFLICT');
    await setBooking(id, 'confirmed', -1000);
    expect((await step(scene.client, id, 'cancel')).body.code).toBe('CONFLICT');
    await setBooking(id, 'requested', -1000);
    for (const action of ['confirm', 'cancel'])
      expect((await step(scene.master, id, action)).body.code).toBe('CONFLICT');
  });

  it('notifies the other side, with the reason', async () => {
    const confirmed = await book();
    await step(scene.master, confirmed.id, 'confirm');
    expect(await notified('booking_confirmed', confirmed.id)).toMatchObject([
      { to: [scene.client.id], actorId: scene.master.id },
    ]);
    await step(scene.client, confirmed.id, 'cancel', { reason: 'Заболел' });
    const data = { booking_id: confirmed.id, outcome: 'cancelled', reason: 'Заболел' };
    expect(await notified('booking_cancelled', confirmed.id)).toMatchObject([
      { to: [scene.master.id], actorId: scene.client.id, data },
    ]);
    const declined = await book();
    const { body } = await step(scene.master, declined.id, 'decline', { reason: 'Отпуск' });
    expect(body.reason).toBe('Отпуск');
    const why = { outcome: 'declined', reason: 'Отпуск' };
    expect(await notified('booking_cancelled', declined.id)).toMatchObject([
      { to: [scene.client.id], data: why },
    ]);
    const cancelled = await book();
    // Neither a reason nor a body is required.
    await scene.app.request('POST', `bookings/${cancelled.id}/cancel`, scene.master.token);
    const none = { outcome: 'cancelled', reason: null };
    expect(await notified('booking_cancelled', cancelled.id)).toMatchObject([
      { to: [scene.client.id], data: none },
    ]);
    for (const device of [scene.masterDevice, scene.clientDevice])
      for (const [id, status] of [
        [confirmed.id, 'cancelled'],
        [declined.id, 'declined'],
        [cancelled.id, 'cancelled'],
      ])
        await device.next('booking:updated', (b) => b.id === id && b.status === status);
  });

  it('to no-show ends the visit, and the client may dispute it for a week', async () => {
    const visits = [];
    for (const hour of [1, 2]) {
      const { id } = await book(2, hour);
      await step(scene.master, id, 'confirm');
      expect((await step(scene.master, id, 'no-show')).body.code).toBe('CONFLICT');
      // It has begun and is not over.
      await setBooking(id, 'confirmed', -HOUR / 2);
      expect((await step(scene.master, id, 'no-show')).body.code).toBe('CONFLICT');
      await setBooking(id, 'confirmed', -hour * 2 * HOUR);
      const { body } = await step(scene.master, id, 'no-show', { reason: 'Ждала час' });
      expect(body).toMatchObject({
        status: 'cancelled',
        no_show: true,
        disputed: false,
        reason: 'Ждала час',
      });
      expect(contractErrors(BookingDto, body)).toEqual([]);
      expect((await step(scene.client, id, 'review', { rating: 1 })).body.code).toBe('CONFLICT');
      expect(await notified('booking_cancelled', id)).toMatchObject([
        { to: [scene.client.id], data: { outcome: 'no_show', reason: 'Ждала час' } },
      ]);
      visits.push(id);
    }
    const [came, late] = visits as [string, string];
    expect((await step(scene.master, came, 'dispute')).body.code).toBe('FORBIDDEN');
    const replies = await Promise.all([
      step(scene.client, came, 'dispute'),
      step(scene.client, came, 'dispute'),
    ]);
    expect(sorted(replies.map(({ status }) => status))).toEqual([200, 409]);
    const disputed = { status: 'completed', no_show: true, disputed: true, reason: 'Ждала час' };
    expect(replies.find(({ status }) => status === 200)!.body).toMatchObject(disputed);
    const received = await scene.masterDevice.next(
      'notification:new',
      ({ data }) => (data as { outcome?: string }).outcome === 'disputed',
    );
    expect([received.type, received.title]).toEqual(['booking_confirmed', 'Неявка оспорена']);
    expect((await step(scene.client, came, 'review', { rating: 1 })).status).toBe(201);
    await setBooking(late, 'cancelled', -(7 * 24 + 1) * HOUR);
    expect((await step(scene.client, late, 'dispute')).body.code).toBe('CONFLICT');
  });

  it('to completed before the end keeps the time of the visit', async () => {
    // Visits of three hours that began at the last full hour.
    const now = Math.floor(Date.now() / HOUR) * HOUR;
    const free = async () => {
      const [from, to] = [now, now + 3 * HOUR].map((time) => new Date(time).toISOString());
      const path = `services/${scene.service.id}/slots?from=${from}&to=${to}`;
      return (await scene.app.request<SlotPage>('GET', path, scene.client.token)).body.items.length;
    };
    await scene.app.request('PUT', 'users/me/availability', scene.master.token, {
      ...ALWAYS,
      min_notice_minutes: 0,
    });
    expect(await free()).toBe(2);
    const { id } = await book();
    await scene.app.rows(
      `UPDATE bookings SET status = 'confirmed', starts_at = $2::timestamptz, ends_at = $2::timestamptz + interval '3 h'
       WHERE id = $1`,
      [id, new Date(now)],
    );
    expect(await free()).toBe(0);
    expect((await step(scene.master, id, 'complete')).status).toBe(200);
    expect(await free()).toBe(0);
    for (const hours of [1, 2])
      expect((await request(scene.stranger, new Date(now + hours * HOUR).toISOString())).body.code).toBe(
        'CONFLICT',
      );
  });

  it('excludes a competing one', async () => {
    for (let i = 0; i < 10; i++) {
      const { id } = await book(2, i);
      const steps = [step(scene.master, id, 'confirm'), step(scene.master, id, 'decline')];
      const replies = await Promise.all([
        ...steps,
        step(scene.master, id, 'confirm'),
        step(scene.master, id, 'decline'),
      ]);
      expect(sorted(replies.map(({ status }) => status))).toEqual([200, 409, 409, 409]);
      const winner = replies.find(({ status }) => status === 200)!;
      expect((await stored(id)).status).toBe(winner.body.status);
      const promises = [
        ...(await notified('booking_confirmed', id)),
        ...(await notified('booking_cancelled', id)),
      ];
      expect(promises).toHaveLength(1);
    }
  });

  it('that ends a booking frees its time, and no other does', async () => {
    const first = await book();
    await step(scene.master, first.id, 'confirm');
    expect((await request(scene.stranger, at(2))).status).toBe(409);
    await step(scene.client, first.id, 'cancel');
    expect((await request(scene.stranger, at(2))).status).toBe(201);
  });
});
