import { NOTIFICATION_TYPES, type MessageDto, type NotificationDto } from '#contracts';
import { ProposeBookings } from '#marketplace';
import { newId } from '#platform';
import { TestApp, type Account, type Device } from '#testing';
import { CommandBus } from '@nestjs/cqrs';

/** A day of a master and a client, and a day months later: a notification of each type, each from a real action. */

const DAY = 24 * 3600_000;
let app: TestApp;
let anna: Account;
let maria: Account;
let gleb: Account;
let annaDevice: Device[];
let mariaDevice: Device[];
let glebDevice: Device;
beforeAll(async () => {
  app = await TestApp.start();
  [anna, maria, gleb] = await app.people('Анна Иванова', 'Мария', 'Глеб');
  annaDevice = await app.devices(anna, anna);
  mariaDevice = await app.devices(maria, maria);
  glebDevice = await app.device(gleb);
});
afterAll(() => app.stop());

interface Made {
  id: string;
}

/** All notifications of a user, oldest first. */
async function listOf(who: Account): Promise<NotificationDto[]> {
  const { items } = await app.ask<{ items: NotificationDto[] }>(who, 'GET notifications?limit=200');
  return items.reverse();
}

async function receivedBy(devices: Device[], type: string): Promise<NotificationDto> {
  const [first] = await Promise.all(
    devices.map((device) => device.next('notification:new', (received) => received.type === type)),
  );
  return first!;
}

it('a client finds a service, books a free slot, and the master confirms', async () => {
  const weekly = [0, 1, 2, 3, 4, 5, 6].map((weekday) => ({ weekday, from: '09:00', to: '18:00' }));
  await app.ask(anna, 'PUT users/me/availability', { timezone: 'Europe/Moscow', weekly });
  await app.ask<Made>(anna, 'POST services', { name: 'Маникюр', price: 2000, duration: 60 });
  const found = await app.ask<{ items: Made[] }>(maria, `GET services?query=${encodeURIComponent('маник')}`);
  expect(found.items).toHaveLength(1);

  const booked = await book(found.items[0]!.id);
  const request = await receivedBy(annaDevice, 'booking_request');
  expect(request.data).toMatchObject({ booking_id: booked });
  expect(request.body).toContain('Мария');
  await app.ask(anna, `POST bookings/${booked}/confirm`);
  const confirmed = await receivedBy(mariaDevice, 'booking_confirmed');
  expect(confirmed.data).toMatchObject({ booking_id: booked, master_id: anna.id });
  expect(confirmed.body).toContain('Анна Иванова');

  const second = await book(found.items[0]!.id);
  await app.ask(anna, `POST bookings/${second}/decline`, { reason: 'Отпуск' });
  expect((await receivedBy(mariaDevice, 'booking_cancelled')).data).toMatchObject({ booking_id: second });
});

async function book(serviceId: string): Promise<string> {
  const [from, to] = [new Date(Date.now() + DAY), new Date(Date.now() + 8 * DAY)].map((d) => d.toISOString());
  const slots = await app.ask<{ items: { starts_at: string }[] }>(
    maria,
    `GET services/${serviceId}/slots?from=${from}&to=${to}`,
  );
  const body = { service_id: serviceId, starts_at: slots.items[0]!.starts_at };
  return (await app.ask<Made>(maria, 'POST bookings', body)).id;
}

it('they become friends, like, comment, repost and mention each other', async () => {
  const { id: request } = await app.ask<Made>(maria, 'POST friends/requests', { user_id: anna.id });
  await receivedBy(annaDevice, 'friend_request');
  await app.ask(anna, `POST friends/requests/${request}/accept`);
  await receivedBy(mariaDevice, 'friend_accepted');

  const { handle } = await app.ask<{ handle: string }>(maria, 'GET users/me');
  const content = `До и после, спасибо @${handle}`;
  const post = await app.ask<Made>(anna, 'POST posts', { content });
  await receivedBy(mariaDevice, 'mention');
  // Undoing and repeating is no second cause.
  for (const method of ['PUT', 'DELETE', 'PUT']) await app.ask(maria, `${method} posts/${post.id}/like`);
  expect((await receivedBy(annaDevice, 'post_liked')).data).toMatchObject({
    post_id: post.id,
    user_id: maria.id,
  });
  await annaDevice[0]!.next('post:liked', ({ likes_count }) => likes_count === 1);
  await app.ask(maria, `POST posts/${post.id}/comments`, { content: 'Красота!' });
  await receivedBy(annaDevice, 'post_commented');
  await app.ask(maria, `POST posts/${post.id}/repost`, {});
  await receivedBy(annaDevice, 'post_reposted');

  const { items } = await app.ask<{ items: Made[] }>(maria, 'GET feed');
  expect(items.map(({ id }) => id)).toContain(post.id);
});

it('a review follows the visit', async () => {
  const [visit] = await app.rows<Made>(
    `UPDATE bookings SET starts_at = now() - interval '26 days', ends_at = now() - interval '26 days' + interval '1 hour'
     WHERE client_id = $1 AND status = 'confirmed' RETURNING id`,
    [maria.id],
  );
  await app.ask(anna, `POST bookings/${visit!.id}/complete`);
  await app.ask(maria, `POST bookings/${visit!.id}/review`, { rating: 5, text: 'Лучший мастер' });
  expect((await receivedBy(annaDevice, 'review_received')).data).toMatchObject({
    booking_id: visit!.id,
    rating: 5,
  });
});

it('months later the client is due again, and is notified once', async () => {
  for (const daysAgo of [54, 82, 110])
    await app.rows(
      `INSERT INTO bookings (id, service_id, master_id, client_id, starts_at, ends_at, status, service_name, price)
       SELECT $1, service_id, master_id, client_id, starts_at - ($3 - 26) * interval '1 day',
         ends_at - ($3 - 26) * interval '1 day', 'completed', service_name, price
       FROM bookings WHERE client_id = $2 AND status = 'completed' ORDER BY starts_at DESC LIMIT 1`,
      [newId(), maria.id, daysAgo],
    );
  const commands = app.app.get(CommandBus);
  await commands.execute(new ProposeBookings());
  const { data } = await receivedBy(mariaDevice, 'auto_booking_proposal');
  expect(data).toMatchObject({ master_id: anna.id });
  expect(Date.parse((data as { starts_at: string }).starts_at)).toBeGreaterThan(Date.now());
  await commands.execute(new ProposeBookings());
});

it('each notification came exactly once, to the right account only', async () => {
  const [toAnna, toMaria, toGleb] = [await listOf(anna), await listOf(maria), await listOf(gleb)];
  expect(toAnna.map(({ type }) => type)).toEqual([
    'booking_request',
    'booking_request',
    'friend_request',
    'post_liked',
    'post_commented',
    'post_reposted',
    'review_received',
  ]);
  expect(toMaria.map(({ type }) => type)).toEqual([
    'booking_confirmed',
    'booking_cancelled',
    'friend_accepted',
    'mention',
    'auto_booking_proposal',
  ]);
  expect(toGleb).toEqual([]);
  const types = new Set([...toAnna, ...toMaria].map(({ type }) => type));
  expect([...types].sort()).toEqual([...NOTIFICATION_TYPES].sort());

  for (const [devices, list] of [
    [annaDevice, toAnna],
    [mariaDevice, toMaria],
    [[glebDevice], []],
  ] as [Device[], NotificationDto[]][])
    for (const device of devices) {
      await device.settled();
      expect(
        device
          .all('notification:new')
          .map(({ id }) => id)
          .sort(),
      ).toEqual(list.map(({ id }) => id).sort());
      expect(device.all('notification:updated')).toEqual([]);
    }
  const { unread_count } = await app.ask<{ unread_count: number }>(anna, 'GET notifications/unread-count');
  expect(unread_count).toBe(toAnna.length);
});

it('reading one on a device clears it on all', async () => {
  const [first] = await listOf(maria);
  const ack = await mariaDevice[0]!.send('notification:read', { notification_id: first!.id });
  expect(ack).toMatchObject({ notification_id: first!.id, is_read: true });
  await mariaDevice[1]!.next('notification:read', ({ notification_id }) => notification_id === first!.id);
  await app.ask(maria, 'POST notifications/read-all');
  const sync = await app.ask<{ notifications: { unread_count: number } }>(maria, 'GET sync');
  expect(sync.notifications.unread_count).toBe(0);
});

it('a proposal in the chat becomes a booking that both see', async () => {
  const chat = await app.chat(anna, maria);
  const [service] = (await app.ask<{ items: Made[] }>(anna, `GET services?master_id=${anna.id}`)).items;
  const proposal = {
    chat_id: chat.id,
    type: 'booking_proposal',
    content: 'Записать вас?',
    metadata: { service_id: service!.id },
  };
  const { message_id } = await annaDevice[0]!.send('chat:message:send', proposal);
  const shown = await mariaDevice[0]!.next('chat:message:new', ({ id }) => id === message_id);
  expect(shown.metadata).toMatchObject({ service_name: 'Маникюр', price: 2000, duration: 60 });
  const [from, to] = [new Date(Date.now() + 2 * DAY), new Date(Date.now() + 9 * DAY)].map((d) =>
    d.toISOString(),
  );
  const slots = await app.ask<{ items: { starts_at: string }[] }>(
    maria,
    `GET services/${service!.id}/slots?from=${from}&to=${to}`,
  );
  const path = `chats/${chat.id}/messages/${message_id}/accept`;
  await app.ask(maria, `POST ${path}`, { starts_at: slots.items[0]!.starts_at });
  for (const device of [annaDevice[0]!, mariaDevice[1]!]) {
    const edited: MessageDto = await device.next('chat:message:edited', ({ id }) => id === message_id);
    expect(edited.metadata).toMatchObject({ booking_id: expect.any(String) });
  }
  expect(
    (await app.request('POST', path, maria.token, { starts_at: slots.items[1]!.starts_at })).status,
  ).toBe(409);
});
