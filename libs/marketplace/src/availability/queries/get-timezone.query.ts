import { PrismaService } from '#platform';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';

/** The time zone of the user's own availability, otherwise of the master of their latest booking. */
export class GetTimezone extends Query<string | undefined> {
  constructor(readonly userId: string) {
    super();
  }
}

@QueryHandler(GetTimezone)
export class GetTimezoneHandler implements IQueryHandler<GetTimezone> {
  constructor(private readonly prisma: PrismaService) {}

  async execute({ userId }: GetTimezone): Promise<string | undefined> {
    const [found] = await this.prisma.$queryRaw<{ timezone: string }[]>`
      SELECT timezone FROM availabilities
      WHERE master_id IN (${userId}::uuid,
        (SELECT master_id FROM bookings WHERE client_id = ${userId}::uuid ORDER BY starts_at DESC, id DESC LIMIT 1))
      ORDER BY master_id = ${userId}::uuid DESC LIMIT 1`;
    return found?.timezone;
  }
}
