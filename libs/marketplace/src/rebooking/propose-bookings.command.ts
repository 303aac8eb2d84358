import { DAY_MS } from '#contracts';
import { enqueueNotification } from '#notifications';
import { PrismaService, logFailure } from '#platform';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { availabilityOf, earliestOf } from '../availability/availabilities.js';
import { FreeTime } from '../availability/available-slots.js';
import { usualTime } from './preferred-time.js';

/** How far back visits are considered, days. */
const REACH = 500;
/** Number of last visits per pair that define the rhythm. */
const VISITS = 10;
/** Masters per statement. */
const BATCH = 200;
/** How far from the due time a slot is searched, days. */
const SEARCH = 7;
/** Limit of free slots in that time; a day has 288 at most. */
const MAX_SLOTS = 5000;

interface Place {
  masterId: string;
  timezone: string;
}

interface Regular {
  masterId: string;
  clientId: string;
  lastId: string;
  serviceId: string;
  serviceName: string;
  duration: number;
  visits: Date[];
  due: Date;
}

/**
 * Proposes the next visit to regular clients who are due. A client is regular after at least three visits to a master,
 * at intervals that differ by less than half their median. A proposal is made when the visit is due within 3 days, half
 * the interval has passed, and no booking is open or running. Bookings on one day, in the master's time zone, are one
 * visit; a confirmed one that has begun counts too. There is one proposal per cycle, identified by the last visit.
 */
export class ProposeBookings extends Command<void> {
  constructor(readonly now = new Date()) {
    super();
  }
}

@CommandHandler(ProposeBookings)
export class ProposeBookingsHandler implements ICommandHandler<ProposeBookings> {
  constructor(
    private readonly prisma: PrismaService,
    private readonly freeTime: FreeTime,
  ) {}

  async execute({ now }: ProposeBookings): Promise<void> {
    const known = await this.prisma.$queryRaw<
      { name: string }[]
    >`SELECT lower(name) AS name FROM pg_timezone_names`;
    const zones = new Set(known.map(({ name }) => name));
    for (let masters = await this.mastersAfter(''); masters.length > 0;) {
      for (const regular of await this.due(masters, zones, now))
        // One failure does not affect other clients, and is retried in the next round.
        await this.propose(regular, now).catch(
          logFailure('proposing a next visit failed', { booking_id: regular.lastId }),
        );
      masters = await this.mastersAfter(masters.at(-1)!.masterId);
    }
  }

  private mastersAfter(id: string): Promise<Place[]> {
    return this.prisma.availability.findMany({
      where: id ? { masterId: { gt: id } } : {},
      select: { masterId: true, timezone: true },
      orderBy: { masterId: 'asc' },
      take: BATCH,
    });
  }

  /** Days are counted in UTC when the database does not know the time zone. */
  private due(masters: Place[], zones: Set<string>, now: Date): Promise<Regular[]> {
    const ids = masters.map(({ masterId }) => masterId);
    const clocks = masters.map(({ timezone }) => (zones.has(timezone.toLowerCase()) ? timezone : 'UTC'));
    const days = (count: number) => new Date(now.getTime() + count * DAY_MS);
    return this.prisma.$queryRaw<Regular[]>`
      WITH came AS (
        SELECT DISTINCT ON (b.master_id, b.client_id, (b.starts_at AT TIME ZONE m.zone)::date) b.*
        FROM unnest(${ids}::uuid[], ${clocks}::text[]) AS m (id, zone) JOIN bookings b ON b.master_id = m.id
        WHERE b.status IN ('completed', 'confirmed') AND b.starts_at > ${days(-REACH)} AND b.starts_at <= ${now}
        ORDER BY b.master_id, b.client_id, (b.starts_at AT TIME ZONE m.zone)::date, b.starts_at
      ), visit AS (
        SELECT id, master_id, client_id, service_id, starts_at,
          row_number() OVER (PARTITION BY master_id, client_id ORDER BY starts_at DESC) AS recency,
          extract(epoch FROM starts_at - lag(starts_at) OVER (PARTITION BY master_id, client_id ORDER BY starts_at)) AS gap
        FROM came
      ), rhythm AS (
        SELECT master_id, client_id, array_agg(starts_at ORDER BY starts_at) AS visits,
          (array_agg(id ORDER BY starts_at DESC))[1] AS last_id,
          (array_agg(service_id ORDER BY starts_at DESC))[1] AS service_id,
          max(starts_at) AS last_at, count(*) AS times,
          percentile_cont(0.5) WITHIN GROUP (ORDER BY gap) FILTER (WHERE recency < ${VISITS}) AS median,
          max(gap) FILTER (WHERE recency < ${VISITS}) - min(gap) FILTER (WHERE recency < ${VISITS}) AS spread
        FROM visit WHERE recency <= ${VISITS} GROUP BY master_id, client_id
      )
      SELECT r.master_id AS "masterId", r.client_id AS "clientId", r.last_id AS "lastId", s.id AS "serviceId",
        s.name AS "serviceName", s.duration, r.visits, r.last_at + r.median * interval '1 second' AS due
      FROM rhythm r
      JOIN services s ON s.id = r.service_id AND s.archived_at IS NULL
      JOIN users c ON c.id = r.client_id AND c.banned_at IS NULL
      JOIN users m ON m.id = r.master_id AND m.banned_at IS NULL
      WHERE r.times >= 3 AND r.spread < r.median / 2
        AND r.last_at + r.median * interval '1 second' BETWEEN ${days(-3)} AND ${days(3)}
        AND r.last_at + r.median / 2 * interval '1 second' <= ${now}
        AND NOT EXISTS (SELECT FROM booking_proposals p WHERE p.last_booking_id = r.last_id)
        AND NOT EXISTS (SELECT FROM bookings b WHERE b.client_id = r.client_id AND b.master_id = r.master_id
          AND b.status IN ('requested', 'confirmed') AND b.starts_at > ${days(-1)} AND b.ends_at > ${now})
        AND NOT EXISTS (SELECT FROM blocks b WHERE b.blocker_id = r.client_id AND b.blocked_id = r.master_id)
        AND NOT EXISTS (SELECT FROM blocks b WHERE b.blocker_id = r.master_id AND b.blocked_id = r.client_id)`;
  }

  private async propose(regular: Regular, now: Date): Promise<void> {
    const { masterId, clientId, lastId, serviceId, serviceName, duration, visits, due } = regular;
    const availability = await availabilityOf(this.prisma, masterId);
    if (!availability) return;
    const usual = usualTime(visits, due, availability.timezone).getTime();
    const from = new Date(Math.max(earliestOf(availability, now).getTime(), usual - SEARCH * DAY_MS));
    const to = new Date(Math.max(now.getTime(), usual) + SEARCH * DAY_MS);
    const free = await this.freeTime.slots(masterId, availability, duration, from, to, MAX_SLOTS);
    const distance = ({ start }: { start: Date }) => Math.abs(start.getTime() - usual);
    const [slot] = free.sort((a, b) => distance(a) - distance(b));
    // Without a free slot there is nothing to propose: the next round tries again.
    if (!slot) return;
    await this.prisma.$transaction(async (tx) => {
      const { count } = await tx.bookingProposal.createMany({
        data: [{ lastBookingId: lastId }],
        skipDuplicates: true,
      });
      if (count === 0) return;
      await enqueueNotification(tx, [clientId], {
        type: 'auto_booking_proposal',
        key: `auto_booking_proposal:${lastId}`,
        actorId: masterId,
        data: {
          service_id: serviceId,
          service_name: serviceName,
          master_id: masterId,
          starts_at: slot.start.toISOString(),
          timezone: availability.timezone,
        },
      });
    });
  }
}
