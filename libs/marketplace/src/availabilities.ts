import type { AvailabilityDto, WindowDto } from '#contracts';
import type { Prisma } from '#platform';

/** A master's week, all of its fields set. Without one there are no slots. */
export async function availabilityOf(
  tx: Pick<Prisma.TransactionClient, 'availability'>,
  masterId: string,
): Promise<Required<AvailabilityDto> | undefined> {
  const row = await tx.availability.findUnique({ where: { masterId } });
  if (!row) return undefined;
  return {
    timezone: row.timezone,
    weekly: row.weekly as unknown as WindowDto[],
    days_off: row.daysOff,
    min_notice_minutes: row.minNotice,
  };
}

/** When a slot begins at the earliest that is requested now. */
export const earliestOf = (availability: Required<AvailabilityDto>, now: Date): Date =>
  new Date(now.getTime() + Math.max(availability.min_notice_minutes * 60_000, 1));
