import { MINUTE_MS, type AvailabilityDto } from '#contracts';
import { PrismaService } from '#platform';
import { Injectable } from '@nestjs/common';
import { slotsIn, type Slot } from './slots.js';

/** Finds a master's slots that overlap no live booking, nor the rest of a visit that ended early. */
@Injectable()
export class FreeTime {
  constructor(private readonly prisma: PrismaService) {}

  /** The first `limit` slots that start in [from, to). */
  async slots(
    masterId: string,
    availability: AvailabilityDto,
    durationMinutes: number,
    from: Date,
    to: Date,
    limit: number,
  ): Promise<Slot[]> {
    const end = new Date(to.getTime() + durationMinutes * MINUTE_MS);
    // Uses the index of the exclusion constraint that prevents overlapping bookings.
    const taken = await this.prisma.$queryRaw<{ start: Date; end: Date }[]>`
      SELECT starts_at AS start, ends_at AS end FROM bookings
      WHERE master_id = ${masterId}::uuid AND (status IN ('requested', 'confirmed') OR ended_early)
        AND tstzrange(starts_at, ends_at) && tstzrange(${from}, ${end})
      ORDER BY starts_at`;
    const free: Slot[] = [];
    let next = 0;
    for (const slot of slotsIn(availability, durationMinutes, from, to)) {
      while (next < taken.length && taken[next]!.end <= slot.start) next++;
      if (next < taken.length && taken[next]!.start < slot.end) continue;
      free.push(slot);
      if (free.length === limit) break;
    }
    return free;
  }
}
