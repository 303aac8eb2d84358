import type { AvailabilityDto, BookingDto, ServiceDto } from '#contracts';
import {
  describePlans,
  FILL_USERS,
  filledUser,
  FILLED_USERS,
  numbered,
  type Account,
  type TestApp,
} from '#testing';
import { CommandBus } from '@nestjs/cqrs';
import { CompleteBookings } from './bookings/commands/complete-bookings.command.js';
import { ExpireBookings } from './bookings/commands/expire-bookings.command.js';
import { ReconcileBookings } from './bookings/commands/reconcile-bookings.command.js';
import { RemindBookings } from './bookings/commands/remind-bookings.command.js';

const INDEXES = [
  'services_search_idx',
  'services_name_idx',
  'services_offered_idx',
  'services_newest_idx',
  'bookings_master_id_starts_at_id_idx',
  'bookings_client_id_starts_at_id_idx',
  'bookings_master_id_status_starts_at_id_idx',
  'bookings_client_id_status_starts_at_id_idx',
  'bookings_client_id_created_at_idx',
  'bookings_no_overlap',
  'bookings_requested_idx',
  'bookings_requested_start_idx',
  'bookings_confirmed_idx',
  'reviews_master_id_id_idx',
  'reviews_client_id_idx',
];
const HOUR = 3600_000;

/**
 * Everybody is a master with a week, a service, a deleted one and five visits: the last is ahead, the earlier ones
 * are reviewed.
 */
const FILL = [
  FILL_USERS,
  `INSERT INTO availabilities (master_id, timezone, weekly) SELECT id, 'UTC', '[]' FROM users`,
  `INSERT INTO services (id, master_id, name, price, duration)
   SELECT ${numbered('5', 'i')}, ${filledUser('i')}, 'Manicure ' || i, 1000, 60 FROM generate_series(1, ${FILLED_USERS}) AS i`,
  `INSERT INTO services (id, master_id, name, price, duration, archived_at)
   SELECT ${numbered('6', 'i')}, ${filledUser('i')}, 'Manicure ' || i, 1000, 60, now() FROM generate_series(1, ${FILLED_USERS}) AS i`,
  `INSERT INTO bookings (id, service_id, master_id, client_id, starts_at, ends_at, status, service_name, price)
   SELECT ${numbered('b', `i * 8 + k`)}, ${numbered('5', 'i')}, ${filledUser('i')}, ${filledUser('i + 77')},
     now() + (k - 4.5) * interval '7 days', now() + (k - 4.5) * interval '7 days' + interval '1 hour',
     CASE WHEN k < 5 THEN 'completed' WHEN i % 2 = 0 THEN 'confirmed' ELSE 'requested' END::booking_status, 'x', 1000
   FROM generate_series(1, ${FILLED_USERS}) AS i, generate_series(1, 5) AS k`,
  `INSERT INTO reviews (id, booking_id, master_id, client_id, rating)
   SELECT gen_random_uuid(), id, master_id, client_id, 5 FROM bookings WHERE status = 'completed'`,
  `INSERT INTO blocks (blocker_id, blocked_id) SELECT ${filledUser('i')}, ${filledUser('i + 1')} FROM generate_series(1, ${FILLED_USERS} - 1) AS i`,
  `INSERT INTO master_ratings (master_id, reviews_count, rating_sum) SELECT id, 4, 20 FROM users`,
];

describePlans('marketplace requests', FILL, [
  {
    title: 'read no whole table',
    uses: INDEXES,
    async run({ app }) {
      const [master, client] = await app.people('Anna Plan', 'Boris Plan');
      await playThrough(app, master, client);
    },
  },
]);

async function playThrough(app: TestApp, master: Account, client: Account): Promise<void> {
  const weekly = [0, 1, 2, 3, 4, 5, 6].map((weekday) => ({ weekday, from: '00:00', to: '24:00' }));
  await app.ask<AvailabilityDto>(master, 'PUT users/me/availability', { timezone: 'UTC', weekly });
  const offer = { name: 'Plan', price: 1, duration: 60 };
  const service = await app.ask<ServiceDto>(master, 'POST services', offer);
  await app.ask(master, `PATCH services/${service.id}`, { price: 2 });
  for (const query of [
    ...['plan', 'manicure', 'zzz', 'qz', 'zzz q', 'manicure qz', '%25', '%25 qz'].map((q) => `&query=${q}`),
    ...['', `&master_id=${master.id}`],
  ])
    await app.ask(client, `GET services?limit=5${query}`);
  await app.ask(client, `GET services/${service.id}`);
  const at = (days: number) => new Date(Date.now() + days * 24 * HOUR).toISOString();
  const slots = await app.ask<{ items: { starts_at: string }[] }>(
    client,
    `GET services/${service.id}/slots?from=${at(0)}&to=${at(60)}`,
  );
  const request = (slot: number) =>
    app.ask<BookingDto>(client, 'POST bookings', {
      service_id: service.id,
      starts_at: slots.items[slot]!.starts_at,
    });
  const [visit, refused] = [await request(20), await request(30)];
  await app.ask(master, `POST bookings/${visit.id}/confirm`);
  await app.ask(master, `POST bookings/${refused.id}/decline`, { reason: 'x' });
  for (const query of ['', '&role=master', '&role=client', '&status=confirmed'])
    for (const who of [master, client]) await app.ask(who, `GET bookings?limit=5${query}`);
  await app.ask(client, `GET bookings/${visit.id}`);
  await app.rows(
    `UPDATE bookings SET starts_at = now() - interval '2 hours', ends_at = now() - interval '1 hour' WHERE id = $1`,
    [visit.id],
  );
  await app.ask(master, `POST bookings/${visit.id}/complete`);
  await app.ask(client, `POST bookings/${visit.id}/review`, { rating: 5 });
  await app.ask(client, `GET users/${master.id}/reviews?limit=5`);
  await app.ask(client, `GET users/${master.id}`);
  const commands = app.app.get(CommandBus);
  await commands.execute(new RemindBookings());
  await commands.execute(new ExpireBookings());
  await commands.execute(new CompleteBookings());
  await app.ask(master, `DELETE services/${service.id}`);
  await app.rows('UPDATE users SET banned_at = now() WHERE id = ANY($1)', [[master.id, client.id]]);
  for (const { id } of [master, client]) await commands.execute(new ReconcileBookings(id));
}
