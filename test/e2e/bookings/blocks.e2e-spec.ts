import type {
  BookingDto,
  MessageDto,
  NotificationPage,
  ReviewDto,
  ReviewPage,
  ServicePage,
  SlotPage,
} from '#contracts';
import { lockBookings } from '#identity';
import { ReconcileBookings, RemindBookings } from '#marketplace';
import { PrismaService, type Prisma } from '#platform';
import { until, type Account, type Device } from '#testing';
import { ALWAYS, HOUR, at, useBookings } from './scene.js';

const scene = useBookings();
const { ban, book, listed, offer, setBooking, request, run, runSchedule, step, stored, notified } = scene;

const block = async (who: Account, whom: Account, method = 'PUT') =>
  (await scene.app.request(method, `users/${whom.id}/block`, who.token)).status;
const live = () =>
  scene.app.rows(`SELECT FROM bookings WHERE master_id = $1 AND client_id = $2 AND status = 'requested'`, [
    scene.master.id,
    scene.client.id,
  ]);
/** Waits until a device has received the end of a booking, or its no-show or dispute. */
const received = (device: Device, bookingId: string, outcome: string) =>
  device.next('notification:new', ({ data }) => {
    const of = data as { booking_id?: string; outcome?: string };
    return of.booking_id === bookingId && of.outcome === outcome;
  });
const endsOf = async ({ token }: Account) =>
  (await scene.app.request<NotificationPage>('GET', 'notifications', token)).body.items.flatMap(
    ({ body, data }) => {
      const { booking_id, outcome, reason } = data as Record<string, string>;
      return outcome ? [{ booking_id, body, reason }] : [];
    },
  );

// A block works in both directions.
describe.each(['the master', 'the client'])('a block by %s', (who) => {
  const cut = (method?: string) =>
    who === 'the master'
      ? block(scene.master, scene.client, method)
      : block(scene.client, scene.master, method);

  it('ends open requests between the two, and keeps confirmed visits and those with others', async () => {
    const [asked, confirmed] = [await book(2), await book(3)];
    await step(scene.master, confirmed.id, 'confirm');
    const others = (await request(scene.stranger, at(4))).body;
    const own = (await offer(scene.client)).body;
    await scene.app.request('PUT', 'users/me/availability', scene.client.token, ALWAYS);
    const back = (await request(scene.master, at(2), { service_id: own.id })).body;
    expect(await cut()).toBe(204);
    for (const [{ id }, status] of [
      [asked, 'cancelled'],
      [back, 'cancelled'],
      [confirmed, 'confirmed'],
      [others, 'requested'],
    ] as const)
      expect([id, await stored(id)]).toEqual([id, expect.objectContaining({ status, reason: null })]);
    for (const device of [scene.masterDevice, scene.clientDevice])
      for (const { id } of [asked, back])
        await device.next('booking:updated', (b) => b.id === id && b.status === 'cancelled');
    // The other side is notified without an actor and a reason.
    const blocked = who === 'the master' ? scene.client : scene.master;
    for (const { id } of [asked, back]) {
      const promised = await notified('booking_cancelled', id);
      expect(promised).toMatchObject([
        { actorId: null, to: [blocked.id], data: { booking_id: id, outcome: 'cancelled', reason: null } },
      ]);
    }
    expect((await request(scene.stranger, at(2))).status).toBe(201);
    expect((await request(scene.client, at(5))).body.code).toBe('NOT_FOUND');
    await cut('DELETE');
    expect((await stored(asked.id)).status).toBe('cancelled');
    expect((await request(scene.client, at(5))).status).toBe(201);
  });

  it('lets either side cancel a confirmed visit, without a reason', async () => {
    const bookings = [await book(2), await book(3)];
    for (const { id } of bookings) await step(scene.master, id, 'confirm');
    await cut();
    for (const [i, side] of [scene.master, scene.client].entries()) {
      const { id } = bookings[i]!;
      const { status, body } = await step(side, id, 'cancel', { reason: 'Ещё увидимся' });
      expect([status, body.status, body.reason]).toEqual([200, 'cancelled', null]);
      expect(await notified('booking_cancelled', id)).toMatchObject([{ data: { reason: null } }]);
    }
  });

  it('shows the end of a visit and a no-show dispute, but not the actor and the reason', async () => {
    const visits = [await book(2), await book(3), await book(4)];
    for (const { id } of visits) await step(scene.master, id, 'confirm');
    const [before, after, missed] = visits.map(({ id }) => id) as [string, string, string];
    const reason = 'Секрет';
    await step(scene.client, before, 'cancel', { reason });
    expect((await received(scene.masterDevice, before, 'cancelled')).body).toMatch(
      /^Борис отменяет.+: Секрет$/,
    );
    await setBooking(missed, 'confirmed', -2 * HOUR);
    await cut();
    await step(scene.client, after, 'cancel', { reason });
    await step(scene.master, missed, 'no-show', { reason });
    await step(scene.client, missed, 'dispute');
    const off = expect.stringMatching(/^Запись на [^:]+:\d\d отменена$/) as string;
    expect((await received(scene.masterDevice, after, 'cancelled')).body).toEqual(off);
    await received(scene.clientDevice, missed, 'no_show');
    await received(scene.masterDevice, missed, 'disputed');
    const disputed = expect.stringMatching(/^По словам клиента, визит .+ состоялся$/) as string;
    const noShow = expect.stringMatching(/^Мастер отмечает, что вы не пришли [^:]+:\d\d$/) as string;
    const toMaster = await endsOf(scene.master);
    expect(toMaster).toHaveLength(3);
    expect(toMaster).toEqual(
      expect.arrayContaining([
        { booking_id: before, body: off, reason: null },
        { booking_id: after, body: off, reason: null },
        { booking_id: missed, body: disputed },
      ]),
    );
    expect(await endsOf(scene.client)).toEqual([{ booking_id: missed, body: noShow, reason: null }]);
  });

  it('accepts the review of a visit, and hides it from the master', async () => {
    const { id } = await book();
    await setBooking(id, 'completed');
    await cut();
    const body = { rating: 1, text: 'Плохо' };
    const { status } = await scene.app.request<ReviewDto>(
      'POST',
      `bookings/${id}/review`,
      scene.client.token,
      body,
    );
    expect(status).toBe(201);
    await scene.clientDevice.next('booking:updated', (b) => b.id === id && b.review?.text === 'Плохо');
    const seen = await scene.app.request<ReviewPage>(
      'GET',
      `users/${scene.master.id}/reviews`,
      scene.stranger.token,
    );
    expect(seen.body).toMatchObject({ items: [{ text: 'Плохо' }], average: 1 });
    await scene.masterDevice.settled();
    expect(scene.masterDevice.all('booking:updated').filter(({ review }) => review)).toEqual([]);
    expect(
      scene.masterDevice.all('notification:new').filter(({ type }) => type === 'review_received'),
    ).toEqual([]);
    const reviewSeenBy = async ({ token }: Account) =>
      (await scene.app.request<BookingDto>('GET', `bookings/${id}`, token)).body.review?.text;
    expect([await reviewSeenBy(scene.master), await reviewSeenBy(scene.client)]).toEqual([
      undefined,
      'Плохо',
    ]);
  });
});

describe.each(['the master', 'the client'])('a ban of %s', (who) => {
  const banned = () => (who === 'the master' ? scene.master : scene.client);
  const other = () => (who === 'the master' ? scene.client : scene.master);
  const device = () => (who === 'the master' ? scene.clientDevice : scene.masterDevice);

  it('cancels future visits, notifies the other side, and frees the time for good', async () => {
    const [asked, confirmed, begun] = [await book(2), await book(3), await book(4)];
    for (const { id } of [confirmed, begun]) await step(scene.master, id, 'confirm');
    await setBooking(begun.id, 'confirmed', -1000);
    const others = await request(scene.stranger, at(5), {
      service_id: (await offer(await scene.app.register())).body.id,
    });
    expect(others.status).toBe(400);
    expect(await ban(banned())).toBe(200);
    const onOffer = await scene.app.request<ServicePage>(
      'GET',
      `services?master_id=${scene.master.id}`,
      scene.stranger.token,
    );
    expect(onOffer.body.items).toHaveLength(who === 'the master' ? 0 : 1);
    for (const { id } of [asked, confirmed]) {
      expect(await stored(id)).toMatchObject({ status: 'cancelled', reason: null });
      const seen = await device().next('booking:updated', (b) => b.id === id && b.status === 'cancelled');
      // The history stays readable.
      expect([seen.master.name, seen.client.name]).toEqual(['Анна', 'Борис']);
      const data = { outcome: 'unavailable', reason: null, booking_id: id };
      expect(await notified('booking_cancelled', id)).toMatchObject([
        { to: [other().id], actorId: null, data },
      ]);
    }
    expect((await stored(begun.id)).status).toBe('confirmed');
    const notification = await device().next(
      'notification:new',
      ({ type, data }) =>
        type === 'booking_cancelled' && (data as { booking_id: string }).booking_id === asked.id,
    );
    expect(notification.body).toMatch(/^Запись на .+ отменена: вторая сторона больше недоступна$/);
    for (const hours of [24, 2])
      await runSchedule(new RemindBookings(new Date(Date.parse(confirmed.starts_at) - hours * 3600_000)));
    await device().settled();
    expect(
      device()
        .all('booking:updated')
        .filter(({ reminder }) => reminder),
    ).toEqual([]);

    const slots = (account: Account) =>
      scene.app.request<SlotPage>(
        'GET',
        `services/${scene.service.id}/slots?from=${at(2)}&to=${at(2, 13)}`,
        account.token,
      );
    if (who === 'the client') {
      expect((await slots(scene.stranger)).body.items).toHaveLength(1);
      expect((await request(scene.stranger, at(3))).status).toBe(201);
    } else {
      expect((await slots(scene.stranger)).body).toMatchObject({ code: 'NOT_FOUND' });
      expect((await request(scene.stranger, at(3))).body.code).toBe('NOT_FOUND');
    }
    await run(new ReconcileBookings(banned().id));
    expect(await notified('booking_cancelled', asked.id)).toHaveLength(1);
    expect(await ban(banned(), 'unban')).toBe(200);
    for (const { id } of [asked, confirmed]) expect((await stored(id)).status).toBe('cancelled');
  });

  it('reduces notifications to the end of a visit, without an actor and a reason', async () => {
    const [called, ahead] = [await book(2), await book(3)];
    for (const { id } of [called, ahead]) await step(scene.master, id, 'confirm');
    await step(banned(), called.id, 'cancel', { reason: 'Секрет' });
    await received(device(), called.id, 'cancelled');
    await runSchedule(new RemindBookings(new Date(Date.parse(ahead.starts_at) - 24 * HOUR)));
    await received(device(), ahead.id, 'reminder');
    expect(await ban(banned())).toBe(200);
    await received(device(), ahead.id, 'unavailable');
    expect(await listed(other())).toEqual(['booking_cancelled', 'booking_cancelled']);
    const off = expect.stringMatching(/^Запись на [^:]+:\d\d отменена$/) as string;
    expect(await endsOf(other())).toContainEqual({ booking_id: called.id, body: off, reason: null });
    // The requests and reminders do not return with the unban.
    expect(await ban(banned(), 'unban')).toBe(200);
    const left = `SELECT type FROM notifications WHERE user_id = ANY($1) AND NOT hidden AND type <> 'booking_cancelled'`;
    expect(await scene.app.rows(left, [[scene.master.id, scene.client.id]])).toEqual([]);
  });

  it('also ends a request made at the same moment', async () => {
    for (let round = 0; round < 4; round++) {
      const guest = await scene.app.register();
      const gone = who === 'the master' ? scene.master : guest;
      const [made] = await Promise.all([request(guest, at(2, round)), ban(gone)]);
      expect([201, 401, 404]).toContain(made.status);
      const rows = `SELECT FROM bookings WHERE client_id = $1 AND status = 'requested'`;
      expect(await scene.app.rows(rows, [guest.id])).toEqual([]);
      await ban(gone, 'unban');
    }
  });
});

describe('at the same moment', () => {
  /** Does something while it holds the pair's lock and `other` waits for it. */
  const whileWaiting = async <T>(
    other: () => Promise<T>,
    meanwhile: (tx: Prisma.TransactionClient) => Promise<unknown>,
  ): Promise<T> => {
    let waiting!: Promise<T>;
    await scene.app.app.get(PrismaService).$transaction(async (tx) => {
      await lockBookings(tx, [[scene.client.id, scene.master.id]]);
      waiting = other();
      const locks = `SELECT FROM pg_locks WHERE NOT granted AND locktype = 'advisory'
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;
      await until('it waits', async () => (await scene.app.rows(locks)).length > 0);
      await meanwhile(tx);
    });
    return waiting;
  };

  it('a request that waits for a block respects it', async () => {
    const reply = await whileWaiting(
      () => request(scene.client, at(2)),
      (tx) => tx.block.create({ data: { blockerId: scene.master.id, blockedId: scene.client.id } }),
    );
    expect(reply.body.code).toBe('NOT_FOUND');
    expect(await live()).toEqual([]);
  });

  it('a request that waits for a change of its service respects it', async () => {
    for (const [change, code] of [
      [{ price: 9999 }, 'CONFLICT'],
      [{ duration: 30 }, 'CONFLICT'],
      [{ archivedAt: new Date() }, 'NOT_FOUND'],
    ] as const) {
      const reply = await whileWaiting(
        () => request(scene.client, at(2)),
        (tx) => tx.service.update({ where: { id: scene.service.id }, data: change }),
      );
      expect([change, reply.body.code]).toEqual([change, code]);
    }
    expect(await live()).toEqual([]);
  });

  it('a block that waits for a request ends it', async () => {
    const { id } = await book();
    await setBooking(id, 'declined');
    const status = await whileWaiting(
      () => block(scene.master, scene.client),
      (tx) => tx.booking.update({ where: { id }, data: { status: 'requested' } }),
    );
    expect([status, (await stored(id)).status]).toEqual([204, 'cancelled']);
  });

  it('a proposal is accepted or refused, in a direct chat or a group, and nothing is left behind', async () => {
    for (let round = 0; round < 6; round++) {
      const chat =
        round % 2
          ? await scene.app.chat(scene.master, scene.client)
          : await scene.app.group(scene.master, scene.client, scene.stranger);
      const proposal = await scene.app.request<MessageDto & { message_id: string }>(
        'POST',
        `chats/${chat.id}/messages`,
        scene.master.token,
        { type: 'booking_proposal', content: 'Записать вас?', metadata: { service_id: scene.service.id } },
      );
      const path = `chats/${chat.id}/messages/${proposal.body.message_id}/accept`;
      const [accepted, blocked] = await Promise.all([
        scene.app.request<BookingDto>('POST', path, scene.client.token, { starts_at: at(2, round) }),
        block(scene.client, scene.master),
      ]);
      expect([201, 403, 404]).toContain(accepted.status);
      expect([blocked, await live()]).toEqual([204, []]);
      await block(scene.client, scene.master, 'DELETE');
    }
  });
});
