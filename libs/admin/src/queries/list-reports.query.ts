import type { ReportPage, ReportQuery } from '#contracts';
import { PrismaService, idsBefore, pageOf } from '#platform';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { REPORT_CASE, toCase } from '../reports.js';

/** Reports of one status or all, latest first (`GET admin/reports`). @throws AppError INVALID_DATA (names `cursor`) */
export class ListReports extends Query<ReportPage> {
  constructor(readonly page: ReportQuery) {
    super();
  }
}

@QueryHandler(ListReports)
export class ListReportsHandler implements IQueryHandler<ListReports> {
  constructor(private readonly prisma: PrismaService) {}

  async execute({ page: { status, limit, cursor } }: ListReports): Promise<ReportPage> {
    const rows = await this.prisma.report.findMany({
      where: { id: { lt: idsBefore(cursor) }, status: status ?? undefined },
      ...REPORT_CASE,
      orderBy: { id: 'desc' },
      take: limit + 1,
    });
    const { items, next_cursor } = pageOf(rows, limit);
    return { items: items.map(toCase), next_cursor };
  }
}
