import type { AvailabilityDto, WindowDto } from '#contracts';
import type { Prisma } from '#platform';

/** A master's week. Without one there are no slots. */
export async function availabilityOf(
  tx: Pick<Prisma.TransactionClient, 'availability'>,
  masterId: string,
): Promise<AvailabilityDto | undefined> {
  const row = await tx.availability.findUnique({ where: { masterId } });
  if (!row) return undefined;
  return {
    timezone: row.timezone,
    weekly: row.weekly as unknown as WindowDto[],
    days_off: row.daysOff,
  };
}
