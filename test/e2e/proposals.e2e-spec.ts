import { BookingDto, type ChatDto, type ServiceDto } from '#contracts';
import { ProposeBookings } from '#marketplace';
import { newId } from '#platform';
import { CommandBus } from '@nestjs/cqrs';
import { contractErrors, promised, rememberPromises, TestApp, type Account, type Device } from '#testing';
import { randomUUID } from 'node:crypto';

const HOUR = 3600_000;
const DAY = 24 * HOUR;
const weekly = [0, 1, 2, 3, 4, 5, 6].map((weekday) => ({ weekday, from: '09:00', to: '18:00' }));

let app: TestApp;
let master: Account;
let client: Account;
let service: ServiceDto;
beforeAll(async () => {
  app = await TestApp.start();
  await rememberPromises(app);
});
afterAll(() => app.stop());
beforeEach(async () => {
  [master, client] = await app.people('Анна', 'Борис');
  await app.request('PUT', 'users/me/availability', master.token, { timezone: 'Europe/Berlin', weekly });
  const body = { name: 'Маникюр', price: 2000, duration: 60 };
  service = (await app.request<ServiceDto>('POST', 'services', master.token, body)).body;
});

/** A Tuesday noon in Berlin, days after summer time ended. */
const NOW = new Date('2027-11-02T11:00:00Z');
/** 10:00 by the clock in Berlin, the given number of days before NOW. */
const morning = (daysAgo: number) => {
  const day = new Date(NOW.getTime() - daysAgo * DAY).toISOString().slice(0, 10);
  return new Date(`${day}T${day < '2027-10-31' ? '08' : '09'}:00:00Z`);
};
const visit = async (startsAt: Date, status = 'completed', of = service) => {
  const id = newId();
  await app.rows(
    `INSERT INTO bookings (id, service_id, master_id, client_id, starts_at, ends_at, status, service_name, price)
     VALUES ($1, $2, $3, $4, $5, $6, $7::booking_status, 'Маникюр', 2000)`,
    [id, of.id, master.id, client.id, startsAt, new Date(startsAt.getTime() + HOUR), status],
  );
  return id;
};
const visits = async (...daysAgo: number[]) => {
  const ids = [];
  for (const days of daysAgo) ids.push(await visit(morning(days)));
  return ids;
};
const ban = ({ id }: Account) => app.rows('UPDATE users SET banned_at = now() WHERE id = $1', [id]);
const propose = (now = NOW) => app.app.get(CommandBus).execute(new ProposeBookings(now));
const received = async () =>
  (await promised(app, 'auto_booking_proposal')).filter(({ to }) => to.includes(client.id));

describe('a regular client', () => {
  it('gets one proposal per cycle near the usual weekday and hour when a visit is due', async () => {
    const [, , last] = await visits(82, 54, 26);
    await propose(new Date(NOW.getTime() - 8 * DAY));
    expect(await received()).toEqual([]);
    await Promise.all([propose(), propose()]);
    await propose(new Date(NOW.getTime() - 2 * HOUR));
    const [proposal, ...more] = await received();
    expect(more).toEqual([]);
    expect(proposal).toMatchObject({
      key: `auto_booking_proposal:${last}`,
      actorId: master.id,
      data: {
        service_id: service.id,
        service_name: 'Маникюр',
        master_id: master.id,
        timezone: 'Europe/Berlin',
      },
    });
    await visit(morning(-2));
    await propose(new Date(NOW.getTime() + 28 * DAY));
    expect(await received()).toHaveLength(2);
  });

  it('gets their usual hour after a clock change, and the next free one when it is taken', async () => {
    // Thursdays at ten; due on Thursday the 4th.
    await visits(82, 54, 26);
    await propose();
    const [first] = await received();
    expect((first!.data as { starts_at: string }).starts_at).toBe('2027-11-04T09:00:00.000Z');
    await app.rows('DELETE FROM booking_proposals');
    const guest = client;
    client = await app.register();
    await visit(new Date('2027-11-04T09:00:00Z'), 'confirmed');
    client = guest;
    await propose();
    const [, second] = await received();
    const nearest = ['2027-11-04T08:00:00.000Z', '2027-11-04T10:00:00.000Z'];
    expect(nearest).toContain((second!.data as { starts_at: string }).starts_at);
  });

  it.each<[string, () => Promise<unknown>]>([
    ['have come only twice', () => visits(56, 28)],
    ['come at any time', () => visits(90, 80, 28)],
    ['are not due for long', () => visits(60, 40, 10)],
    ['have been absent for long', () => visits(150, 120, 90)],
    [
      'have requested the next visit',
      async () => [await visits(84, 56, 28), await visit(morning(-5), 'requested')],
    ],
    [
      'have booked the next visit',
      async () => [await visits(84, 56, 28), await visit(morning(-20), 'confirmed')],
    ],
    [
      'came to a service that was deleted',
      async () => [
        await visits(84, 56, 28),
        await app.request('DELETE', `services/${service.id}`, master.token),
      ],
    ],
    [
      'are blocked by the master',
      async () => [
        await visits(84, 56, 28),
        await app.rows('INSERT INTO blocks (blocker_id, blocked_id) VALUES ($1, $2)', [master.id, client.id]),
      ],
    ],
    [
      'have blocked the master',
      async () => [
        await visits(84, 56, 28),
        await app.rows('INSERT INTO blocks (blocker_id, blocked_id) VALUES ($1, $2)', [client.id, master.id]),
      ],
    ],
    ['are banned', async () => [await visits(84, 56, 28), await ban(client)]],
    ['came to a master who is banned', async () => [await visits(84, 56, 28), await ban(master)]],
    [
      'would find no free time',
      async () => [
        await visits(84, 56, 28),
        await app.request('PUT', 'users/me/availability', master.token, { timezone: 'UTC', weekly: [] }),
      ],
    ],
  ])('gets no proposal when they %s', async (_, history) => {
    await history();
    await propose();
    expect(await received()).toEqual([]);
  });

  it('gets only a slot that can still be requested', async () => {
    // Due now, at noon; the master needs an hour's notice.
    for (const days of [84, 56, 28]) await visit(new Date(morning(days).getTime() + 2 * HOUR));
    await propose();
    expect(await received()).toMatchObject([{ data: { starts_at: '2027-11-02T12:00:00.000Z' } }]);
  });

  it('has a spread of under half the interval, without cancelled visits', async () => {
    await visits(84, 58, 28);
    await visit(morning(50), 'cancelled');
    await propose();
    expect(await received()).toHaveLength(1);
  });

  it('gets no proposal during a visit or after it, even if nobody completes the visit', async () => {
    await visits(84, 56, 28);
    const today = await visit(NOW, 'confirmed');
    for (const hours of [0, 0.5, 1, 5, 24, 70]) await propose(new Date(NOW.getTime() + hours * HOUR));
    expect(await received()).toEqual([]);
    // The next is due a month after it.
    await propose(new Date(NOW.getTime() + 27 * DAY));
    expect(await received()).toMatchObject([{ key: `auto_booking_proposal:${today}` }]);
  });

  it('gets no proposal in the hours after a visit, however often they come', async () => {
    await visits(3, 2, 1);
    await visit(new Date(NOW.getTime() - 2 * HOUR), 'completed');
    for (const hours of [0, 2, 6]) await propose(new Date(NOW.getTime() + hours * HOUR));
    expect(await received()).toEqual([]);
    await propose(new Date(NOW.getTime() + 12 * HOUR));
    expect(await received()).toHaveLength(1);
  });

  it('may book two services per visit: days are counted, by the master’s clock', async () => {
    const ids = [];
    for (const days of [82, 54, 26])
      for (const hour of ['T01:30+02:00', 'T02:30+02:00']) {
        const day = morning(days).toISOString().slice(0, 10);
        ids.push(await visit(new Date(day + hour)));
      }
    await propose();
    expect(await received()).toMatchObject([{ key: `auto_booking_proposal:${ids[4]}` }]);
  });

  it('is not made by three services on one day', async () => {
    for (const hours of [0, 1, 2]) await visit(new Date(morning(1).getTime() + hours * HOUR));
    await propose();
    expect(await received()).toEqual([]);
  });

  it('gets a proposal even if the time zone of another master is unknown', async () => {
    const other = await app.register();
    await app.request('PUT', 'users/me/availability', other.token, { timezone: 'UTC', weekly });
    await app.rows(`UPDATE availabilities SET timezone = 'Europe/Nowhere' WHERE master_id = $1`, [other.id]);
    await visits(82, 54, 26);
    await propose();
    expect(await received()).toHaveLength(1);
  });
});

describe('a proposal in a chat', () => {
  let chat: ChatDto;
  let masterDevice: Device;
  let clientDevice: Device;
  const at = (hour: number) => {
    const day = new Date(Date.now() + 3 * DAY).toISOString().slice(0, 10);
    return `${day}T${hour}:00:00.000Z`;
  };
  const proposal = (metadata: object = {}) => ({
    chat_id: chat.id,
    type: 'booking_proposal',
    content: 'Записать вас?',
    metadata: { service_id: service.id, ...metadata },
  });
  const accept = (account: Account, message_id: string, starts_at: string, chatId = chat.id) =>
    app.request<BookingDto>('POST', `chats/${chatId}/messages/${message_id}/accept`, account.token, {
      // With microseconds, as Dart writes it.
      starts_at: starts_at.replace('.000Z', '.000000Z'),
    });
  beforeEach(async () => {
    await app.request('PUT', 'users/me/availability', master.token, { timezone: 'UTC', weekly });
    chat = await app.chat(master, client);
    [masterDevice, clientDevice] = await app.devices(master, client);
  });
  const sent = async (metadata: object = {}) =>
    (await masterDevice.send('chat:message:send', proposal(metadata))).message_id;
  const seen = async (id: string) =>
    (await app.history(client, chat.id)).find((message) => message.id === id)!;

  it('has the server’s facts of the service, whatever the sender claims, and keeps other metadata', async () => {
    const forged = {
      service_name: 'x',
      price: 1,
      duration: 1,
      booking_id: randomUUID(),
      accepted_by: client.id,
    };
    const id = await sent({ ...forged, colour: 'red' });
    const facts = {
      service_id: service.id,
      service_name: 'Маникюр',
      price: 2000,
      duration: 60,
      colour: 'red',
    };
    expect((await clientDevice.next('chat:message:new', (message) => message.id === id)).metadata).toEqual(
      facts,
    );
    expect((await seen(id)).metadata).toEqual(facts);
  });

  it('needs an offered service of its sender', async () => {
    const refused = await clientDevice.send('chat:message:send', proposal());
    expect([refused.code, refused.details?.[0]?.field]).toEqual(['INVALID_DATA', 'metadata.service_id']);
    await app.request('DELETE', `services/${service.id}`, master.token);
    expect((await masterDevice.send('chat:message:send', proposal())).code).toBe('INVALID_DATA');
  });

  it('becomes one booking request, shown to both, however many accept at once', async () => {
    const id = await sent();
    const replies = await Promise.all([10, 11, 12, 13].map((hour) => accept(client, id, at(hour))));
    expect(replies.map(({ status }) => status).sort((a, b) => a - b)).toEqual([201, 409, 409, 409]);
    const booking = replies.find(({ status }) => status === 201)!.body;
    expect(contractErrors(BookingDto, booking)).toEqual([]);
    expect(booking).toMatchObject({ status: 'requested', service_id: service.id, client: { id: client.id } });
    const accepted = { booking_id: booking.id, accepted_by: client.id, starts_at: booking.starts_at };
    for (const device of [masterDevice, clientDevice]) {
      const edited = await device.next('chat:message:edited', (message) => message.id === id);
      expect(edited.metadata).toMatchObject(accepted);
      expect(edited.change_seq).toBeGreaterThan(0);
      await device.next('booking:updated', (updated) => updated.id === booking.id);
      await device.settled();
      expect(device.all('chat:message:edited')).toHaveLength(1);
    }
    expect((await seen(id)).metadata).toMatchObject(accepted);
    expect(await app.rows('SELECT FROM bookings WHERE master_id = $1', [master.id])).toHaveLength(1);
    const requests = (await promised(app, 'booking_request')).filter(({ to }) => to.includes(master.id));
    expect(requests.map(({ key }) => key)).toEqual([`booking_request:${booking.id}`]);
  });

  it('cannot be changed after it was accepted, but deleted', async () => {
    const id = await sent();
    const edit = (content: string) => masterDevice.send('chat:message:edit', { message_id: id, content });
    expect((await edit('Записать вас на завтра?')).status).toBe('ok');
    expect((await accept(client, id, at(10))).status).toBe(201);
    expect((await edit('Без дизайна')).code).toBe('CONFLICT');
    // An edit to the same text changes nothing.
    expect((await edit('Записать вас на завтра?')).status).toBe('ok');
    expect((await seen(id)).content).toBe('Записать вас на завтра?');
    expect((await masterDevice.send('chat:message:delete', { message_id: id })).status).toBe('ok');
    expect(await app.rows('SELECT FROM bookings WHERE master_id = $1', [master.id])).toHaveLength(1);
  });

  it.each<[how: string, (booking: string) => Promise<unknown>]>([
    ['declined', (id) => app.request('POST', `bookings/${id}/decline`, master.token)],
    ['cancelled', (id) => app.request('POST', `bookings/${id}/cancel`, client.token)],
    ['expired', (id) => app.rows(`UPDATE bookings SET status = 'expired' WHERE id = $1`, [id])],
  ])('can be accepted again when its booking was %s', async (_, end) => {
    const id = await sent();
    const first = (await accept(client, id, at(10))).body.id;
    expect((await accept(client, id, at(11))).status).toBe(409);
    await end(first);
    const again = await Promise.all([accept(client, id, at(10)), accept(client, id, at(12))]);
    expect(again.map(({ status }) => status).sort((a, b) => a - b)).toEqual([201, 409]);
    const booking = again.find(({ status }) => status === 201)!.body;
    expect((await seen(id)).metadata).toMatchObject({ booking_id: booking.id, starts_at: booking.starts_at });
  });

  it('is accepted only under the booking rules, and a refusal leaves no trace', async () => {
    const id = await sent();
    const plain = { chat_id: chat.id, type: 'text', content: 'x' } as const;
    const { message_id: text } = await masterDevice.send('chat:message:send', plain);
    const stranger = await app.register();
    const other = await app.chat(client, stranger);
    const booking = { service_id: service.id, starts_at: at(15) };
    const taken = await app.request('POST', 'bookings', stranger.token, booking);
    expect(taken.status).toBe(201);
    for (const [reply, code] of [
      [await accept(master, id, at(10)), 'FORBIDDEN'],
      [await accept(stranger, id, at(10)), 'FORBIDDEN'],
      [await accept(client, id, at(10), other.id), 'NOT_FOUND'],
      [await accept(client, randomUUID(), at(10)), 'NOT_FOUND'],
      [await accept(client, id, at(10), randomUUID()), 'CHAT_NOT_FOUND'],
      [await accept(client, text, at(10)), 'INVALID_DATA'],
      [await accept(client, id, 'tomorrow'), 'INVALID_DATA'],
      [await accept(client, id, at(20)), 'INVALID_DATA'],
      [await accept(client, id, '2020-01-01T10:00:00.000Z'), 'INVALID_DATA'],
      [await accept(client, id, at(15)), 'CONFLICT'],
    ] as const)
      expect(reply.body.code).toBe(code);
    // A booking has the offered price or is refused.
    const dearer = { price: service.price + 1 };
    await app.request('PATCH', `services/${service.id}`, master.token, dearer);
    expect((await accept(client, id, at(10))).body.code).toBe('CONFLICT');
    await app.request('PATCH', `services/${service.id}`, master.token, { price: service.price });
    await masterDevice.send('chat:message:delete', { message_id: id });
    expect((await accept(client, id, at(10))).body.code).toBe('NOT_FOUND');
    const gone = await sent();
    await app.request('DELETE', `services/${service.id}`, master.token);
    expect((await accept(client, gone, at(10))).body.code).toBe('NOT_FOUND');
    await clientDevice.settled();
    expect(clientDevice.all('chat:message:edited')).toEqual([]);
    expect((await seen(gone)).metadata).not.toHaveProperty('booking_id');
    expect(await app.rows('SELECT FROM bookings WHERE client_id = $1', [client.id])).toEqual([]);
  });
});
