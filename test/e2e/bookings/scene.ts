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

/** That many days ahead, at a full hour. */
export const at = (days: number, hour = 12) =>
  new Date(Math.floor(Date.now() / DAY) * DAY + days * DAY + hour * HOUR).toISOString();
/** Sorts as numbers. */
export const sorted = (numbers: number[]) => numbers.sort((a, b) => a - b);

/** One app for a test file, and for each test a master with a calendar, and a client. */
class BookingScene {
  app!: TestApp;
  master!: Account;
  client!: Account;
  stranger!: Account;
  service!: ServiceDto;
  masterDevice!: Device;
  clientDevice!: Device;
  private admin!: Account;

  async start(): Promise<void> {
    this.app = await TestApp.start();
    await rememberPromises(this.app);
    [this.stranger, this.admin] = await this.app.people('Глеб', 'Админ');
    await this.app.rows(`UPDATE users SET role = 'admin' WHERE id = $1`, [this.admin.id]);
  }

  async fill(): Promise<void> {
    [this.master, this.client] = await this.app.people('Анна', 'Борис');
    this.service = (await this.offer(this.master)).body;
    await this.app.request('PUT', 'users/me/availability', this.master.token, ALWAYS);
    [this.masterDevice, this.clientDevice] = await this.app.devices(this.master, this.client);
  }

  offer = (account: Account, more: object = {}) =>
    this.app.request<ServiceDto>('POST', 'services', account.token, {
      name: 'Маникюр',
      price: 2000,
      duration: 60,
      ...more,
    });
  request = (account: Account, starts_at: string, more: object = {}) =>
    this.app.request<BookingDto>('POST', 'bookings', account.token, {
      service_id: this.service.id,
      starts_at,
      ...more,
    });
  step = (account: Account, id: string, action: string, body: object = {}) =>
    this.app.request<BookingDto>('POST', `bookings/${id}/${action}`, account.token, body);
  book = async (days = 2, hour = 12) => (await this.request(this.client, at(days, hour))).body;
  /** Sets the state of a booking, and its start relative to now. */
  setBooking = (id: string, status: BookingState, startsIn?: number) =>
    this.app.rows(
      `UPDATE bookings SET status = $2::booking_status, starts_at = COALESCE($3, starts_at),
       ends_at = COALESCE($3 + interval '1 hour', ends_at) WHERE id = $1`,
      [id, status, startsIn === undefined ? null : new Date(Date.now() + startsIn)],
    );
  stored = async (id: string) =>
    (
      await this.app.rows<{ status: string; reason: string | null }>('SELECT * FROM bookings WHERE id = $1', [
        id,
      ])
    )[0]!;
  ban = async ({ id }: Account, action: 'ban' | 'unban' = 'ban') =>
    (await this.app.request('POST', `admin/users/${id}/${action}`, this.admin.token)).status;
  run = <T>(command: { now: Date } & T) => this.app.app.get(CommandBus).execute(command as never);
  private readonly allNotified = () => {
    const isNotified = async () =>
      (await this.app.rows(`SELECT FROM outbox_jobs WHERE name = 'notify'`)).length === 0;
    return until('notifications written', isNotified);
  };
  /** A schedule skips a visit while one of its notifications is being written, so this waits for those first. */
  runSchedule = async <T>(command: { now: Date } & T) => {
    await this.allNotified();
    return this.run(command);
  };
  /** Runs a schedule that fails to store jobs of that name. */
  runWithout = async <T>(job: JobName, command: { now: Date } & T) => {
    await this.allNotified();
    await this.app.rows(`ALTER TABLE outbox_jobs ADD CONSTRAINT dying CHECK (name <> '${job}') NOT VALID`);
    await expect(this.run(command)).rejects.toThrow(/dying/);
    await this.app.rows('ALTER TABLE outbox_jobs DROP CONSTRAINT dying');
  };
  /** The types of an account's notifications, newest first. */
  listed = async ({ token }: Account) =>
    (await this.app.request<NotificationPage>('GET', 'notifications', token)).body.items.map(
      ({ type }) => type,
    );
  notified = async (type: Parameters<typeof promised>[1], id: string) =>
    (await promised(this.app, type)).filter(({ key }) => key === `${type}:${id}`);
}

export function useBookings(): BookingScene {
  const scene = new BookingScene();
  beforeAll(() => scene.start());
  beforeEach(() => scene.fill());
  afterAll(() => scene.app.stop());
  return scene;
}
