import type { JobName } from '#platform';
import type { AvailabilityDto, BookingDto, BookingState, NotificationPage, ServiceDto } from '#contracts';
import { promised, rememberPromises, TestApp, until, type Account, type Device } from '#testing';
import { CommandBus } from '@nestjs/cqrs';

export const HOUR = 3600_000;
const DAY = 24 * HOUR;
export const ALWAYS: Omit<AvailabilityDto, 'days_off'> = {
  timezone: 'UTC',
  weekly: [0, 1, 2, 3, 4, 5, 6].map((weekday) => ({ weekday, from: '00:00', to: '24:00' })),
};

export let app: TestApp;
export let master: Account;
export let client: Account;
export let stranger: Account;
let admin: Account;
export let service: ServiceDto;
export let masterDevice: Device;
export let clientDevice: Device;

/** Starts one app for a whole test file, and for each test a master with a calendar, and a client. */
export function setScene(): void {
  beforeAll(async () => {
    app = await TestApp.start();
    await rememberPromises(app);
    stranger = await app.register('Глеб');
    admin = await app.register('Админ');
    await app.rows(`UPDATE users SET role = 'admin' WHERE id = $1`, [admin.id]);
  });
  afterAll(() => app.stop());
  beforeEach(async () => {
    [master, client] = await app.people('Анна', 'Борис');
    service = (await offer(master)).body;
    await app.request('PUT', 'users/me/availability', master.token, ALWAYS);
    [masterDevice, clientDevice] = await app.devices(master, client);
  });
}

export const offer = (account: Account, more: object = {}) =>
  app.request<ServiceDto>('POST', 'services', account.token, {
    name: 'Маникюр',
    price: 2000,
    duration: 60,
    ...more,
  });
/** That many days ahead, at a full hour. */
export const at = (days: number, hour = 12) =>
  new Date(Math.floor(Date.now() / DAY) * DAY + days * DAY + hour * HOUR).toISOString();
export const request = (account: Account, starts_at: string, more: object = {}) =>
  app.request<BookingDto>('POST', 'bookings', account.token, { service_id: service.id, starts_at, ...more });
export const step = (account: Account, id: string, action: string, body: object = {}) =>
  app.request<BookingDto>('POST', `bookings/${id}/${action}`, account.token, body);
export const booked = async (days = 2, hour = 12) => (await request(client, at(days, hour))).body;
/** Sets the state of a booking, and its start relative to now. */
export const put = (id: string, status: BookingState, startsIn?: number) =>
  app.rows(
    `UPDATE bookings SET status = $2::booking_status, starts_at = COALESCE($3, starts_at),
       ends_at = COALESCE($3 + interval '1 hour', ends_at) WHERE id = $1`,
    [id, status, startsIn === undefined ? null : new Date(Date.now() + startsIn)],
  );
export const stored = async (id: string) =>
  (
    await app.rows<{ status: string; reason: string | null }>('SELECT * FROM bookings WHERE id = $1', [id])
  )[0]!;
export const ban = async ({ id }: Account, action: 'ban' | 'unban' = 'ban') =>
  (await app.request('POST', `admin/users/${id}/${action}`, admin.token)).status;
export const run = <T>(command: { now: Date } & T) => app.app.get(CommandBus).execute(command as never);
const allNotified = () => {
  const isNotified = async () =>
    (await app.rows(`SELECT FROM outbox_jobs WHERE name = 'notify'`)).length === 0;
  return until('notifications written', isNotified);
};
/** A schedule skips a visit while one of its notifications is being written, so this waits for those first. */
export const runSchedule = async <T>(command: { now: Date } & T) => {
  await allNotified();
  return run(command);
};
/** Runs a schedule that fails to store jobs of that name. */
export const runWithout = async <T>(job: JobName, command: { now: Date } & T) => {
  await allNotified();
  await app.rows(`ALTER TABLE outbox_jobs ADD CONSTRAINT dying CHECK (name <> '${job}') NOT VALID`);
  await expect(run(command)).rejects.toThrow(/dying/);
  await app.rows('ALTER TABLE outbox_jobs DROP CONSTRAINT dying');
};
/** Sorts as numbers. */
export const sorted = (numbers: number[]) => numbers.sort((a, b) => a - b);
/** The types of an account's notifications, newest first. */
export const listed = async ({ token }: Account) =>
  (await app.request<NotificationPage>('GET', 'notifications', token)).body.items.map(({ type }) => type);
export const notified = async (type: Parameters<typeof promised>[1], id: string) =>
  (await promised(app, type)).filter(({ key }) => key === `${type}:${id}`);
