import { MINUTE_MS, type AvailabilityDto, type WindowDto } from '#contracts';
import type { Prisma } from '#platform';

/** A master's availability with all fields set. Without availability there are no slots. */
export async function availabilityOf(
  tx: Pick<Prisma.TransactionClient, 'availability'>,
  masterId: string,
): Promise<Required<AvailabilityDto> | undefined> {
  const row = await tx.availability.findUnique({ where: { masterId } });
  if (!row) return undefined;
  return {
    timezone: row.timezone,
    // `set-availability.command.ts` stores no other JSON.
    weekly: row.weekly as unknown as WindowDto[],
    days_off: row.daysOff,
    min_notice_minutes: row.minNotice,
  };
}

/** The earliest start of a slot that is requested now. */
export const earliestOf = (availability: Required<AvailabilityDto>, now: Date): Date =>
  new Date(now.getTime() + Math.max(availability.min_notice_minutes * MINUTE_MS, 1));
