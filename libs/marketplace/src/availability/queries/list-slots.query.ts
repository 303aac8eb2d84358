import { DAY_MS, AppError, MAX_SLOT_DAYS, type SlotPage, type SlotQuery } from '#contracts';
import { PrismaService, decodeCursor, encodeCursor, pageOf } from '#platform';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { availabilityOf, earliestOf } from '../availabilities.js';
import { FreeTime } from '../available-slots.js';
import { HORIZON_MS } from '../../bookings/reservations.js';
import { findService } from '../../services/services.js';
import { toSlot } from '../slots.js';

/**
 * The free slots of a service. They start after the master's minimum notice, within a year, and overlap no live
 * booking.
 * @throws AppError NOT_FOUND, INVALID_DATA (for an empty range, or one of more than 62 days)
 */
export class ListSlots extends Query<SlotPage> {
  constructor(
    readonly userId: string,
    readonly serviceId: string,
    readonly query: SlotQuery,
    readonly now = new Date(),
  ) {
    super();
  }
}

@QueryHandler(ListSlots)
export class ListSlotsHandler implements IQueryHandler<ListSlots> {
  constructor(
    private readonly prisma: PrismaService,
    private readonly freeTime: FreeTime,
  ) {}

  async execute({ userId, serviceId, query, now }: ListSlots): Promise<SlotPage> {
    const { masterId, duration } = await findService(this.prisma, userId, serviceId);
    const [from, to] = [new Date(query.from), new Date(query.to)];
    if (from >= to) throw AppError.invalid('to', 'must be after from');
    if (to.getTime() - from.getTime() > MAX_SLOT_DAYS * DAY_MS)
      throw AppError.invalid('to', `must be at most ${MAX_SLOT_DAYS} days after from`);
    const [last = -1] = decodeCursor(query.cursor, 'number');
    const end = new Date(Math.min(to.getTime(), now.getTime() + HORIZON_MS + 1));
    const availability = await availabilityOf(this.prisma, masterId);
    if (!availability) return { items: [], next_cursor: null };
    const start = new Date(Math.max(from.getTime(), earliestOf(availability, now).getTime(), last + 1));
    if (start >= end) return { items: [], next_cursor: null };
    const free = await this.freeTime.slots(masterId, availability, duration, start, end, query.limit + 1);
    const page = pageOf(free, query.limit, ({ start }) => encodeCursor([start.getTime()]));
    return { ...page, items: page.items.map(toSlot) };
  }
}
