import type { BookingDto, NotificationCount, NotificationPage } from '#contracts';
import { ChangeBooking, CompleteBookings, ExpireBookings, RemindBookings } from '#marketplace';
import { promised, type Device, until } from '#testing';
import { HOUR, at, useBookings } from './scene.js';

const scene = useBookings();
const { book, listed, setBooking, request, run, runSchedule, runWithout, step, stored, notified } = scene;

describe('an unanswered request', () => {
  it('expires after 24 h or at its start, notifies its client, and frees the time', async () => {
    const [late, passed, fresh, answered] = [await book(2), await book(3), await book(4), await book(5)];
    await step(scene.master, answered.id, 'confirm');
    const asked = `UPDATE bookings SET created_at = now() - $2::interval WHERE id = $1`;
    await scene.app.rows(asked, [late.id, '24 hours']);
    await scene.app.rows(asked, [fresh.id, '23 hours 59 minutes']);
    await scene.app.rows(asked, [answered.id, '3 days']);
    await setBooking(passed.id, 'requested', -1);
    const requests = async () =>
      (await listed(scene.master)).filter((type) => type === 'booking_request').length;
    await until('the requests notified', async () => (await requests()) >= 4);
    await Promise.all([runSchedule(new ExpireBookings()), runSchedule(new ExpireBookings())]);
    for (const [{ id }, status] of [
      [late, 'expired'],
      [passed, 'expired'],
      [fresh, 'requested'],
      [answered, 'confirmed'],
    ] as const)
      expect([id, (await stored(id)).status]).toEqual([id, status]);
    const data = { outcome: 'expired', reason: null };
    expect(await notified('booking_cancelled', late.id)).toMatchObject([
      { to: [scene.client.id], actorId: null, data },
    ]);
    for (const device of [scene.masterDevice, scene.clientDevice]) {
      await device.next('booking:updated', ({ id, status }) => id === late.id && status === 'expired');
      await device.settled();
      expect(device.all('booking:updated').filter(({ status }) => status === 'expired')).toHaveLength(2);
    }
    expect(await requests()).toBe(2);
    expect((await request(scene.stranger, at(2))).status).toBe(201);
  });
});

describe('reminders', () => {
  const reminders = async (device: Device, booking: string) => {
    await device.settled();
    return device
      .all('booking:updated')
      .flatMap(({ id, reminder }) => (id === booking && reminder ? [reminder] : []));
  };
  /** Confirmed that many hours before its start. */
  const confirmed = async ({ id, starts_at }: BookingDto, hours: number) => {
    const now = new Date(Date.parse(starts_at) - hours * HOUR);
    await run(new ChangeBooking(scene.master.id, id, 'confirm', undefined, now));
  };
  const remindAt = (start: string, minutesBefore: number) =>
    runSchedule(new RemindBookings(new Date(Date.parse(start) - minutesBefore * 60_000)));

  it('go to both sides 24 h and 2 h before the start, each once, however often the job runs', async () => {
    const booking = await book(3);
    const { id, starts_at } = booking;
    await confirmed(booking, 48);
    await remindAt(starts_at, 24 * 60 + 1);
    expect(await reminders(scene.clientDevice, id)).toEqual([]);
    await Promise.all([remindAt(starts_at, 24 * 60), remindAt(starts_at, 24 * 60)]);
    await remindAt(starts_at, 23 * 60);
    expect(await reminders(scene.clientDevice, id)).toEqual(['24h']);
    await remindAt(starts_at, 121);
    expect(await reminders(scene.clientDevice, id)).toEqual(['24h']);
    await Promise.all([remindAt(starts_at, 120), remindAt(starts_at, 120)]);
    await remindAt(starts_at, 30);
    await remindAt(starts_at, -1);
    for (const device of [scene.masterDevice, scene.clientDevice])
      expect(await reminders(device, id)).toEqual(['24h', '2h']);
  });

  it('may be late, but are not sent when they make no sense any more', async () => {
    const booking = await book(3);
    const { id, starts_at } = booking;
    await confirmed(booking, 48);
    await remindAt(starts_at, 100);
    expect(await reminders(scene.clientDevice, id)).toEqual(['2h']);
    const missed = await book(4);
    await confirmed(missed, 48);
    await remindAt(missed.starts_at, 0);
    expect(await reminders(scene.clientDevice, missed.id)).toEqual([]);
  });

  it('are not sent for just confirmed, requested or cancelled visits, nor to banned users', async () => {
    const [late, asked, off] = [await book(3), await book(4), await book(5)];
    const [soon, gone] = [await book(6), await book(7)];
    await confirmed(late, 10);
    await confirmed(soon, 1.5);
    for (const booking of [off, gone]) await confirmed(booking, 48);
    await step(scene.client, off.id, 'cancel');
    for (const { starts_at } of [late, asked, off, soon]) {
      await remindAt(starts_at, 9 * 60);
      await remindAt(starts_at, 60);
    }
    expect(await reminders(scene.clientDevice, late.id)).toEqual(['2h']);
    for (const { id } of [asked, off, soon]) expect(await reminders(scene.clientDevice, id)).toEqual([]);
    // The ban has not reached the booking yet.
    await scene.app.rows('UPDATE users SET banned_at = now() WHERE id = $1', [scene.client.id]);
    await remindAt(gone.starts_at, 60);
    expect(await reminders(scene.masterDevice, gone.id)).toEqual([]);
  });

  it('are notifications of both sides, once each, for devices that are offline', async () => {
    const booking = await book(3);
    const { id, starts_at } = booking;
    await confirmed(booking, 48);
    await scene.app.request('PUT', 'notifications/preferences', scene.client.token, {
      types: { booking_confirmed: false },
    });
    await scene.app.request('PATCH', 'users/me', scene.master.token, { locale: 'en' });
    for (const minutes of [24 * 60, 23 * 60, 120, 60]) await remindAt(starts_at, minutes);
    const reminded = (await promised(scene.app, 'booking_confirmed')).filter(({ key }) =>
      key.includes(`reminder:${id}`),
    );
    const both = { to: [scene.master.id, scene.client.id], actorId: null };
    expect(reminded).toMatchObject([
      { ...both, key: `booking_reminder:${id}:24h`, data: { outcome: 'reminder', reminder: '24h' } },
      { ...both, key: `booking_reminder:${id}:2h`, data: { outcome: 'reminder', reminder: '2h' } },
    ]);
    const ofReminder = ({ data }: { data: object }) => 'reminder' in data;
    const received = await scene.masterDevice.next('notification:new', ofReminder);
    expect(received).toMatchObject({ type: 'booking_confirmed', title: 'Booking reminder' });
    expect(received.body).toMatch(/^“Маникюр” on \d/);
    await scene.masterDevice.next(
      'notification:new',
      ({ data }) => (data as { reminder?: string }).reminder === '2h',
    );
    await scene.clientDevice.settled();
    expect(scene.clientDevice.all('notification:new').filter(ofReminder)).toEqual([]);
    const list = await scene.app.request<NotificationPage>(
      'GET',
      'notifications?type=booking_confirmed',
      scene.master.token,
    );
    expect(list.body.items.filter(ofReminder)).toHaveLength(2);
    // For a cancelled visit only its end is notified.
    const count = async () =>
      (await scene.app.request<NotificationCount>('GET', 'notifications/unread-count', scene.master.token))
        .body.unread_count;
    expect(await count()).toBe(3);
    await step(scene.client, id, 'cancel');
    for (const { id } of list.body.items)
      await scene.masterDevice.next('notification:removed', ({ notification_id }) => notification_id === id);
    await scene.masterDevice.next('notification:new', ({ type }) => type === 'booking_cancelled');
    expect(await listed(scene.master)).toEqual(['booking_cancelled']);
    expect(await count()).toBe(1);
  });

  it('are stored together with their notification job, or not at all', async () => {
    const booking = await book(3);
    await confirmed(booking, 48);
    await runWithout('notify', new RemindBookings(new Date(Date.parse(booking.starts_at) - 2 * HOUR)));
    expect(await reminders(scene.clientDevice, booking.id)).toEqual([]);
    await remindAt(booking.starts_at, 119);
    expect(await reminders(scene.clientDevice, booking.id)).toEqual(['2h']);
  });
});

describe('a visit that nobody completes', () => {
  it('completes by itself a day after its end, and can be reviewed', async () => {
    const [over, recent, ahead] = [await book(2), await book(3), await book(4)];
    for (const { id } of [over, recent, ahead]) await step(scene.master, id, 'confirm');
    await setBooking(over.id, 'confirmed', -25 * HOUR - 60_000);
    await setBooking(recent.id, 'confirmed', -24 * HOUR);
    // It is stored together with its job, or not at all.
    await runWithout('show-bookings', new CompleteBookings());
    expect((await stored(over.id)).status).toBe('confirmed');
    await Promise.all([runSchedule(new CompleteBookings()), runSchedule(new CompleteBookings())]);
    for (const [{ id }, status] of [
      [over, 'completed'],
      [recent, 'confirmed'],
      [ahead, 'confirmed'],
    ] as const)
      expect((await stored(id)).status).toBe(status);
    for (const device of [scene.masterDevice, scene.clientDevice])
      await device.next('booking:updated', (b) => b.id === over.id && b.status === 'completed');
    expect((await step(scene.client, over.id, 'review', { rating: 2 })).status).toBe(201);
  });
});
