import { MIN_NOTICE, type AvailabilityDto } from '#contracts';
import { PrismaService } from '#platform';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { availabilityOf } from '../availabilities.js';

/** A master's own availability; without windows until it is set. */
export class GetAvailability extends Query<AvailabilityDto> {
  constructor(readonly masterId: string) {
    super();
  }
}

@QueryHandler(GetAvailability)
export class GetAvailabilityHandler implements IQueryHandler<GetAvailability> {
  constructor(private readonly prisma: PrismaService) {}

  async execute({ masterId }: GetAvailability): Promise<AvailabilityDto> {
    const none = { timezone: 'UTC', weekly: [], days_off: [], min_notice_minutes: MIN_NOTICE.default };
    return (await availabilityOf(this.prisma, masterId)) ?? none;
  }
}
