import { PrismaService } from '#platform';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';

/** The time zones of masters, by master. Masters without availability are missing. */
export class ListTimezones extends Query<Map<string, string>> {
  constructor(readonly masterIds: string[]) {
    super();
  }
}

@QueryHandler(ListTimezones)
export class ListTimezonesHandler implements IQueryHandler<ListTimezones> {
  constructor(private readonly prisma: PrismaService) {}

  async execute({ masterIds }: ListTimezones): Promise<Map<string, string>> {
    const rows = await this.prisma.availability.findMany({
      where: { masterId: { in: masterIds } },
      select: { masterId: true, timezone: true },
    });
    return new Map(rows.map(({ masterId, timezone }) => [masterId, timezone]));
  }
}
