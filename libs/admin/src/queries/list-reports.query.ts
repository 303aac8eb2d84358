import type { ReportPage, ReportQuery } from '#contracts';
import { LargePages, Prisma, PrismaService, idsBefore, type Sized } from '#platform';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { REPORT_CASE, toCase } from '../reports.js';

/** Reports of one status or all, latest first (`GET admin/reports`). @throws AppError INVALID_DATA (names `cursor`) */
export class ListReports extends Query<ReportPage> {
  constructor(
    readonly adminId: string,
    readonly page: ReportQuery,
  ) {
    super();
  }
}

@QueryHandler(ListReports)
export class ListReportsHandler implements IQueryHandler<ListReports> {
  constructor(
    private readonly prisma: PrismaService,
    private readonly large: LargePages,
  ) {}

  async execute({ adminId, page: { status, limit, cursor } }: ListReports): Promise<ReportPage> {
    const found = await this.prisma.$queryRaw<Sized[]>`
      SELECT r.id, 1000 + octet_length(concat(r.content, r.reason, r.resolution, a.avatar, b.avatar, c.avatar)) AS bytes
      FROM reports r JOIN users a ON a.id = r.reporter_id JOIN users b ON b.id = r.against_id
      LEFT JOIN users c ON c.id = r.resolved_by_id
      WHERE r.id < ${idsBefore(cursor)}::uuid
        AND ${status ? Prisma.sql`r.status = ${status}::report_status` : Prisma.sql`true`}
      ORDER BY r.id DESC LIMIT ${limit + 1}`;
    return this.large.list(adminId, found, limit, async (ids) => {
      const where = { id: { in: ids } };
      const rows = await this.prisma.report.findMany({ where, orderBy: { id: 'desc' }, ...REPORT_CASE });
      return rows.map(toCase);
    });
  }
}
