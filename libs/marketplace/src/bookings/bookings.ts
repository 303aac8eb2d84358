import { AppError, type BookingDto, type BookingState, type ReviewDto } from '#contracts';
import { asSeen, hiddenFrom, type Hidden } from '#identity';
import { causes, revise, type Revised } from '#notifications';
import { Prisma, PrismaService } from '#platform';
import { EventPublisher, userTopic } from '#realtime';
import { Injectable } from '@nestjs/common';
import { PARTY } from '../services/masters.js';

export const REVIEW = { include: { client: PARTY } } as const satisfies Prisma.ReviewDefaultArgs;

export const BOOKING = {
  include: { master: PARTY, client: PARTY, review: REVIEW },
} as const satisfies Prisma.BookingDefaultArgs;
export type BookingRow = Prisma.BookingGetPayload<typeof BOOKING>;

/** Selects the fields that `timezoneOf` needs. */
export const WITH_TIMEZONE = {
  include: { master: { select: { availability: { select: { timezone: true } } } } },
} as const satisfies Prisma.BookingDefaultArgs;

export const timezoneOf = ({ master }: Prisma.BookingGetPayload<typeof WITH_TIMEZONE>): string =>
  master.availability?.timezone ?? 'UTC';

export const toReview = (row: Prisma.ReviewGetPayload<typeof REVIEW>): ReviewDto => ({
  id: row.id,
  booking_id: row.bookingId,
  author: row.client,
  rating: row.rating,
  text: row.text,
  created_at: row.createdAt.toISOString(),
});

/** `hidden`: the party that the reader may not see. Texts that this party wrote after the visit are hidden too. */
const toBooking = (row: BookingRow, hidden: Hidden | null): BookingDto => ({
  id: row.id,
  service_id: row.serviceId,
  service_name: row.serviceName,
  price: row.price,
  master: asSeen(row.master, hidden),
  client: asSeen(row.client, hidden),
  starts_at: row.startsAt.toISOString(),
  ends_at: row.endsAt.toISOString(),
  status: row.status,
  note: row.note,
  reason: row.reason,
  no_show: row.noShow,
  disputed: row.disputed,
  review: row.review && !row.review.hidden && !hidden?.[row.clientId] ? toReview(row.review) : null,
  created_at: row.createdAt.toISOString(),
  updated_at: row.updatedAt.toISOString(),
});

const FALLEN_THROUGH: BookingState[] = ['declined', 'cancelled', 'expired'];

const noSuchBooking = () => new AppError('NOT_FOUND', 'No such booking');

/** Data of every notification about a booking; most texts need it. */
export const factsOf = (
  row: Pick<BookingRow, 'id' | 'serviceId' | 'serviceName' | 'masterId' | 'clientId' | 'startsAt'>,
  timezone: string,
) => ({
  booking_id: row.id,
  service_id: row.serviceId,
  service_name: row.serviceName,
  master_id: row.masterId,
  client_id: row.clientId,
  starts_at: row.startsAt.toISOString(),
  timezone,
});

/** Revises the requests, confirmations and reminders of bookings whose state has changed. */
export const reviseBookings = (tx: Prisma.TransactionClient, ids: string[]): Promise<Revised[]> =>
  revise(
    tx,
    causes.named(
      ids.flatMap((id) => [
        `booking_request:${id}`,
        `booking_confirmed:${id}`,
        ...['24h', '2h'].map((reminder) => `booking_reminder:${id}:${reminder}`),
      ]),
    ),
  );

/** Loads and publishes bookings as shown to their parties. */
@Injectable()
export class Bookings {
  constructor(
    private readonly prisma: PrismaService,
    private readonly publisher: EventPublisher,
  ) {}

  /** @throws AppError NOT_FOUND, FORBIDDEN (for anybody but the two parties) */
  async require(userId: string, id: string): Promise<BookingRow> {
    const row = await this.prisma.booking.findUnique({ where: { id }, ...BOOKING });
    if (!row) throw noSuchBooking();
    if (row.masterId !== userId && row.clientId !== userId)
      throw new AppError('FORBIDDEN', 'You are not a party of this booking');
    return row;
  }

  /** Bookings as shown to one of their parties, in the same order. */
  async seenBy(userId: string, rows: BookingRow[]): Promise<BookingDto[]> {
    const hidden = await this.hiddenIn(rows);
    return rows.map((row) => toBooking(row, hidden.get(row.id + userId) ?? null));
  }

  /** Whether the booking was declined or cancelled, or has expired. */
  async hasFallenThrough(tx: Prisma.TransactionClient, id: string): Promise<boolean> {
    const row = await tx.booking.findUnique({ where: { id }, select: { status: true } });
    return row !== null && FALLEN_THROUGH.includes(row.status);
  }

  /**
   * Publishes the current state to both parties, or to the users in `to`. Call it after the commit. Returns the booking
   * as shown to the user.
   */
  async announce(id: string, userId: string, to?: string[]): Promise<BookingDto> {
    const [row] = await this.announceAll([id], { to });
    const [booking] = await this.seenBy(userId, [row!]);
    return booking!;
  }

  /** The same for many bookings. */
  async announceAll(
    ids: string[],
    { reminder, to }: { reminder?: '24h' | '2h'; to?: string[] } = {},
  ): Promise<BookingRow[]> {
    const rows = await this.prisma.booking.findMany({ where: { id: { in: ids } }, ...BOOKING });
    const hidden = await this.hiddenIn(rows);
    for (const row of rows)
      for (const side of to ?? [row.masterId, row.clientId])
        this.publisher.publish(userTopic(side), 'booking:updated', {
          ...toBooking(row, hidden.get(row.id + side) ?? null),
          ...(reminder && { reminder }),
        });
    return rows;
  }

  /** By booking and party: the people hidden from that party. */
  private async hiddenIn(rows: BookingRow[]): Promise<Map<string, Hidden>> {
    if (rows.length === 0) return new Map();
    const found = await this.prisma.$queryRaw<{ key: string; hidden: Hidden | null }[]>`
      SELECT b.id::text || side.id AS key, ${hiddenFrom(Prisma.raw('side.id'), Prisma.raw('ARRAY[side.other]'))} AS hidden
      FROM bookings b CROSS JOIN LATERAL (VALUES (b.master_id, b.client_id), (b.client_id, b.master_id)) AS side(id, other)
      WHERE b.id = ANY(${rows.map(({ id }) => id)}::uuid[])`;
    return new Map(found.flatMap(({ key, hidden }) => (hidden ? [[key, hidden] as const] : [])));
  }
}
