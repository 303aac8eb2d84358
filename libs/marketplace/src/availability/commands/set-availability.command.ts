import { AppError, type AvailabilityDto } from '#contracts';
import { PrismaService, type Prisma } from '#platform';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';

/**
 * Replaces a master's availability; existing bookings stay. A window to 00:00 ends with the day, and is answered as
 * 24:00. Without `min_notice_minutes`, the current value stays.
 * @throws AppError INVALID_DATA (names `weekly`: a window ends before it begins, or two overlap)
 */
export class SetAvailability extends Command<AvailabilityDto> {
  constructor(
    readonly masterId: string,
    readonly availability: AvailabilityDto,
  ) {
    super();
  }
}

@CommandHandler(SetAvailability)
export class SetAvailabilityHandler implements ICommandHandler<SetAvailability> {
  constructor(private readonly prisma: PrismaService) {}

  async execute({
    masterId,
    availability: { timezone, weekly, days_off, min_notice_minutes },
  }: SetAvailability) {
    const windows = weekly
      .map(({ weekday, from, to }) => ({ weekday, from, to: to === '00:00' ? '24:00' : to }))
      .sort((a, b) => a.weekday - b.weekday || a.from.localeCompare(b.from));
    windows.forEach(({ weekday, from, to }, i) => {
      const before = windows[i - 1];
      if (from >= to)
        throw AppError.invalid(
          'weekly',
          `${from} must be before ${to}; a window ends at 24:00 at the latest`,
        );
      if (before?.weekday === weekday && before.to > from)
        throw AppError.invalid('weekly', `two windows of weekday ${weekday} overlap`);
    });
    const daysOff = [...new Set(days_off)].sort();
    const data = {
      timezone,
      // A class has no index signature, so it is no JSON object for Prisma's types.
      weekly: windows as unknown as Prisma.InputJsonArray,
      daysOff,
      minNotice: min_notice_minutes ?? undefined,
    };
    const { minNotice } = await this.prisma.availability.upsert({
      where: { masterId },
      create: { masterId, ...data },
      update: data,
    });
    return { timezone, weekly: windows, days_off: daysOff, min_notice_minutes: minNotice };
  }
}
