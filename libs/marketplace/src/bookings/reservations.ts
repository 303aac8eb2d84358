import { DAY_MS, MINUTE_MS, AppError, BOOKING_LIMITS } from '#contracts';
import { lockBookings, notBlocked, noSuchUser } from '#identity';
import { enqueueNotifications } from '#notifications';
import { REACH, WORK, Batcher, Metrics, Prisma, PrismaService, newId } from '#platform';
import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { availabilityOf, earliestOf } from '../availability/availabilities.js';
import { factsOf } from './bookings.js';
import { findService, noSuchService } from '../services/services.js';
import { isSlot } from '../availability/slots.js';

/** How far ahead a slot can be booked. */
export const HORIZON_MS = 366 * DAY_MS;

/** How often within 24 hours a client may cancel and request the same time again. */
const MAX_CALLED_OFF = 2;

/** A client's requests so far. */
interface Requests {
  allowed: boolean;
  open: number;
  openHere: number;
  daily: number;
  /** Seconds until the first request of the day is a day old; null without requests. */
  freeIn: number | null;
  calledOff: number;
}

interface Reservation {
  clientId: string;
  serviceId: string;
  startsAt: Date;
  note?: string;
  now: Date;
  /** The values that the client saw. */
  offered: { price?: unknown; duration?: unknown };
}

/** A request for a valid slot, which may be taken already. */
type NewBooking = Awaited<ReturnType<typeof prepare>>;

/**
 * Creates all booking requests. Many requests for one slot would hold a connection each while they wait. Instead,
 * requests that arrive while a batch is written share the next batch.
 */
@Injectable()
export class Reservations implements OnModuleDestroy {
  private readonly batcher = new Batcher<NewBooking, string>(
    (asked) => this.prisma.$transaction((tx) => store(tx, asked)),
    {
      maxBatch: 200,
      maxQueued: WORK.lookUps.most.bookings,
      onRefused: () => this.metrics.refuse(WORK.lookUps),
    },
  );

  constructor(
    private readonly prisma: PrismaService,
    private readonly metrics: Metrics,
  ) {}

  /**
   * Requests a slot and notifies the master. Returns the id of the booking.
   * @throws AppError NOT_FOUND (service), FORBIDDEN (for one's own service), INVALID_DATA (when `starts_at` is not a
   *   slot or too soon), CONFLICT (when the slot is taken, the service has changed, too many requests are open, or the
   *   time was cancelled twice), RATE_LIMIT (per day)
   */
  async make(reservation: Reservation): Promise<string> {
    return this.batcher.add(await prepare(this.prisma, reservation));
  }

  /** The same in the caller's transaction. */
  async makeIn(tx: Prisma.TransactionClient, reservation: Reservation): Promise<string> {
    const [made] = await store(tx, [await prepare(tx, reservation)]);
    if (made instanceof Error) throw made;
    return made!;
  }

  async onModuleDestroy(): Promise<void> {
    await this.batcher.drain();
  }
}

const changedService = () =>
  new AppError('CONFLICT', 'The master has changed this service', { reason: 'service_changed' });

async function prepare(
  tx: Prisma.TransactionClient,
  { clientId, serviceId, startsAt, note, now, offered }: Reservation,
) {
  const { masterId, duration, name, price } = await findService(tx, clientId, serviceId);
  if (masterId === clientId) throw new AppError('FORBIDDEN', 'You cannot book your own service');
  if ((offered.price ?? price) !== price || (offered.duration ?? duration) !== duration)
    throw changedService();
  if (startsAt <= now) throw AppError.invalid('starts_at', 'must be in the future');
  if (startsAt.getTime() > now.getTime() + HORIZON_MS)
    throw AppError.invalid('starts_at', 'must be within a year');
  const availability = await availabilityOf(tx, masterId);
  if (!availability || !isSlot(availability, duration, startsAt))
    throw AppError.invalid('starts_at', 'is not a slot of this service');
  if (startsAt < earliestOf(availability, now))
    throw AppError.invalid('starts_at', `must be at least ${availability.min_notice_minutes} minutes ahead`);
  return {
    id: newId(),
    serviceId,
    masterId,
    clientId,
    startsAt,
    endsAt: new Date(startsAt.getTime() + duration * MINUTE_MS),
    note: note ?? null,
    serviceName: name,
    duration,
    price,
    timezone: availability.timezone,
  };
}

/**
 * The refusals, checked in this order: a party is banned, a block exists, or the client has made too many requests. The
 * locks keep all of this unchanged until the end of the transaction.
 */
async function refusalsOf(
  tx: Prisma.TransactionClient,
  asked: NewBooking[],
): Promise<(AppError | undefined)[]> {
  await lockBookings(
    tx,
    asked.flatMap(({ clientId, masterId }) => [
      [clientId, masterId] as [string, string],
      [clientId] as [string],
    ]),
  );
  const ids = [...new Set(asked.flatMap(({ clientId, masterId }) => [clientId, masterId]))];
  // Like `requirePresent`, for many at once: a concurrent ban waits, or is seen here.
  const people = await tx.$queryRaw<{ id: string; is_new: boolean }[]>`
    SELECT id, created_at > now() - interval '1 day' AS is_new FROM users
    WHERE id = ANY(${ids}::uuid[]) AND banned_at IS NULL ORDER BY id FOR KEY SHARE`;
  const limits = new Map(
    people.map(({ id, is_new }) => [id, is_new ? BOOKING_LIMITS.newcomer : BOOKING_LIMITS]),
  );
  const requests = await tx.$queryRaw<Requests[]>`
    SELECT ${notBlocked(Prisma.raw('p.client_id'), Prisma.raw('p.master_id'))} AS allowed, o.*, d.*
    FROM unnest(${asked.map(({ clientId }) => clientId)}::uuid[], ${asked.map(({ masterId }) => masterId)}::uuid[],
      ${asked.map(({ startsAt }) => startsAt)}::timestamptz[]) WITH ORDINALITY AS p (client_id, master_id, starts_at, n),
    LATERAL (
      SELECT count(*)::int AS open, count(*) FILTER (WHERE b.master_id = p.master_id)::int AS "openHere"
      FROM bookings b WHERE b.client_id = p.client_id AND b.status = 'requested' AND b.starts_at > now()
    ) o,
    LATERAL (
      SELECT count(*)::int AS daily, extract(epoch FROM min(b.created_at) + interval '1 day' - now())::float AS "freeIn",
        count(*) FILTER (WHERE b.master_id = p.master_id AND b.starts_at = p.starts_at AND b.cancelled_by = 'client')::int
          AS "calledOff"
      FROM bookings b WHERE b.client_id = p.client_id AND b.created_at > now() - interval '1 day'
    ) d
    ORDER BY p.n`;
  // A concurrent change of a service waits, or is seen here.
  const offered = await tx.$queryRaw<{ id: string; price: number; duration: number }[]>`
    SELECT id, price, duration FROM services
    WHERE id = ANY(${[...new Set(asked.map(({ serviceId }) => serviceId))]}::uuid[]) AND archived_at IS NULL
    ORDER BY id FOR SHARE`;
  const services = new Map(offered.map((service) => [service.id, service]));
  const sooner = new Map<string, number>();
  const more = (key: string) => sooner.get(key) ?? 0;
  return asked.map(({ clientId, masterId, serviceId, price, duration }, i) => {
    const { allowed, open, openHere, daily, freeIn, calledOff } = requests[i]!;
    const service = services.get(serviceId);
    if (!allowed || !service || !limits.has(masterId)) return noSuchService();
    const limit = limits.get(clientId);
    if (!limit) return noSuchUser();
    if (service.price !== price || service.duration !== duration) return changedService();
    const pair = clientId + masterId;
    if (openHere + more(pair) >= REACH.bookings.most.ofMaster)
      return new AppError(
        'CONFLICT',
        `Limit of ${REACH.bookings.most.ofMaster} open requests to one master reached`,
        {
          reason: 'too_many_open_requests',
        },
      );
    if (open + more(clientId) >= limit.open)
      return new AppError('CONFLICT', `Limit of ${limit.open} open requests reached`, {
        reason: 'too_many_open_requests',
      });
    if (daily + more(clientId) >= limit.daily)
      return new AppError('RATE_LIMIT', `Limit of ${limit.daily} requests within 24 hours reached`, {
        retryAfterMs: Math.ceil(freeIn === null ? DAY_MS : freeIn * 1000),
      });
    if (calledOff >= MAX_CALLED_OFF)
      return new AppError('CONFLICT', 'You have already cancelled this time twice');
    for (const key of [pair, clientId]) sooner.set(key, more(key) + 1);
    return undefined;
  });
}

/**
 * Answers each request in order: the id, or an error. The exclusion constraint prevents overlapping bookings. `ON
 * CONFLICT` waits for an uncommitted booking before it writes, so two requests for one time never deadlock. All rows
 * are inserted in one order, so requests for several times do not deadlock either.
 */
async function store(tx: Prisma.TransactionClient, asked: NewBooking[]): Promise<(string | Error)[]> {
  const refusals = await refusalsOf(tx, asked);
  const allowed = asked.filter((_, i) => !refusals[i]);
  const made = await tx.$queryRaw<{ id: string }[]>`
    INSERT INTO bookings (id, service_id, master_id, client_id, starts_at, ends_at, note, service_name, price)
    SELECT r.id, r."serviceId", r."masterId", r."clientId", r."startsAt", r."endsAt", r.note, r."serviceName", r.price
    FROM json_to_recordset(${JSON.stringify(allowed)}::json) AS r(id uuid, "serviceId" uuid, "masterId" uuid,
      "clientId" uuid, "startsAt" timestamptz, "endsAt" timestamptz, note text, "serviceName" text, price int)
    ORDER BY r."masterId", r."startsAt", r.id
    ON CONFLICT ON CONSTRAINT bookings_no_overlap DO NOTHING RETURNING id`;
  const ids = new Set(made.map(({ id }) => id));
  await enqueueNotifications(
    tx,
    allowed
      .filter(({ id }) => ids.has(id))
      .map((booking) => ({
        recipientIds: [booking.masterId],
        cause: {
          type: 'booking_request',
          key: `booking_request:${booking.id}`,
          actorId: booking.clientId,
          data: factsOf(booking, booking.timezone),
        },
      })),
  );
  return asked.map(
    ({ id }, i) =>
      refusals[i] ??
      (ids.has(id) ? id : new AppError('CONFLICT', 'This time is taken', { reason: 'slot_taken' })),
  );
}
