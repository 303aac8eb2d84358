import { AppError, BOOKING_LIMITS } from '#contracts';
import { lockBookings, notBlocked, noSuchUser } from '#identity';
import { enqueueNotifications } from '#notifications';
import { REACH, WORK, Batcher, Prisma, PrismaService, newId } from '#platform';
import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { availabilityOf, earliestOf } from './availabilities.js';
import { factsOf } from './bookings.js';
import { findService, noSuchService } from './services.js';
import { isSlot } from './slots.js';

/** How far ahead one may book. */
export const HORIZON_MS = 366 * 24 * 3600_000;

/** How often within 24 hours a client may call the same time off and request it again. */
const MAX_CALLED_OFF = 2;
const DAY_S = 24 * 3600;

/** What a client has requested so far. */
interface Requests {
  allowed: boolean;
  open: number;
  openHere: number;
  daily: number;
  /** Seconds until the first request of the day is a day old; null without any. */
  freeIn: number | null;
  calledOff: number;
}

export interface Reservation {
  clientId: string;
  serviceId: string;
  startsAt: Date;
  note?: string;
  now: Date;
  /** As the client was shown them. */
  offered: { price?: unknown; duration?: unknown };
}

/** A request for what is a slot, which somebody may have taken already. */
type NewBooking = Awaited<ReturnType<typeof prepare>>;

/**
 * Makes booking requests: the one way to a new booking. A crowd that wants one slot would hold a connection each while
 * it waits: instead, all that come while a batch is written share the next one.
 */
@Injectable()
export class Reservations implements OnModuleDestroy {
  private readonly batcher = new Batcher<NewBooking, string>(
    (asked) => this.prisma.$transaction((tx) => store(tx, asked)),
    { maxBatch: 200, maxQueued: WORK.lookUps.most.bookings },
  );

  constructor(private readonly prisma: PrismaService) {}

  /**
   * Requests a slot, and has the master told. Answers the booking's id.
   * @throws AppError NOT_FOUND (service); FORBIDDEN (one's own); INVALID_DATA (starts_at is no slot, or too soon);
   *   CONFLICT (taken; the service has changed; too many requests are open; or called off twice); RATE_LIMIT (of a day)
   */
  async make(reservation: Reservation): Promise<string> {
    return this.batcher.add(await prepare(this.prisma, reservation));
  }

  /** The same in a transaction of the caller's. */
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
  new AppError('CONFLICT', 'The master has changed this service since', { reason: 'service_changed' });

async function prepare(
  tx: Prisma.TransactionClient,
  { clientId, serviceId, startsAt, note, now, offered }: Reservation,
) {
  const { masterId, duration, name, price } = await findService(tx, clientId, serviceId);
  if (masterId === clientId) throw new AppError('FORBIDDEN', 'This is a service of your own');
  if ((offered.price ?? price) !== price || (offered.duration ?? duration) !== duration)
    throw changedService();
  if (startsAt <= now) throw AppError.invalid('starts_at', 'must be ahead');
  if (startsAt.getTime() > now.getTime() + HORIZON_MS)
    throw AppError.invalid('starts_at', 'must be within a year');
  const availability = await availabilityOf(tx, masterId);
  if (!availability || !isSlot(availability, duration, startsAt))
    throw AppError.invalid('starts_at', 'is no slot of this service');
  if (startsAt < earliestOf(availability, now))
    throw AppError.invalid('starts_at', `must be ${availability.min_notice_minutes} minutes ahead`);
  return {
    id: newId(),
    serviceId,
    masterId,
    clientId,
    startsAt,
    endsAt: new Date(startsAt.getTime() + duration * 60_000),
    note: note ?? null,
    serviceName: name,
    duration,
    price,
    timezone: availability.timezone,
  };
}

/**
 * The errors of those who may not request, in the order asked: a side is banned, a block is between them, or the client
 * has requested too much. Under the locks all of this stays as it is to the end of the transaction.
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
  // As `requirePresent`, for many at once: a ban waits for what is made here, or is found.
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
  // A change of a service waits for what is made here, or is found.
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
        `${REACH.bookings.most.ofMaster} requests may wait for a master’s answer`,
        {
          reason: 'too_many_open_requests',
        },
      );
    if (open + more(clientId) >= limit.open)
      return new AppError('CONFLICT', `${limit.open} requests may wait for an answer`, {
        reason: 'too_many_open_requests',
      });
    if (daily + more(clientId) >= limit.daily)
      return new AppError('RATE_LIMIT', `${limit.daily} requests may be made within 24 hours`, {
        retryAfterMs: Math.ceil((freeIn ?? DAY_S) * 1000),
      });
    if (calledOff >= MAX_CALLED_OFF)
      return new AppError('CONFLICT', 'You have requested this time and called it off twice');
    for (const key of [pair, clientId]) sooner.set(key, more(key) + 1);
    return undefined;
  });
}

/**
 * One answer each, in order: the id, or why not. The exclusion constraint makes a second booking of the same time
 * impossible. `ON CONFLICT` waits for one that is not yet committed before it writes anything itself, so that two of one
 * time never wait for each other; and all insert in one order, so that several of several times do not either.
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
