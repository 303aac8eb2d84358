import { AppError, type ReportCaseDto } from '#contracts';
import { audit } from '#identity';
import { PrismaService } from '#platform';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { REPORT_CASE, toCase } from '../reports.js';

/**
 * An admin resolves a report (`POST admin/reports/:id/resolve`).
 * @throws AppError NOT_FOUND, CONFLICT (when it is already resolved)
 */
export class ResolveReport extends Command<ReportCaseDto> {
  constructor(
    readonly adminId: string,
    readonly reportId: string,
    readonly resolution: string,
  ) {
    super();
  }
}

@CommandHandler(ResolveReport)
export class ResolveReportHandler implements ICommandHandler<ResolveReport> {
  constructor(private readonly prisma: PrismaService) {}

  async execute({ adminId, reportId: id, resolution }: ResolveReport): Promise<ReportCaseDto> {
    const resolved = await this.prisma.$transaction(async (tx) => {
      // The update checks the status itself: of two concurrent calls, one finds the report resolved.
      const { count } = await tx.report.updateMany({
        where: { id, status: 'open' },
        data: { status: 'resolved', resolvedById: adminId, resolvedAt: new Date(), resolution },
      });
      if (count > 0) await audit(tx, adminId, 'report_resolved', id, { resolution });
      return count > 0;
    });
    const row = await this.prisma.report.findUnique({ where: { id }, ...REPORT_CASE });
    if (!row) throw new AppError('NOT_FOUND', 'No such report');
    if (!resolved)
      throw new AppError('CONFLICT', 'This report is already resolved', { reason: 'wrong_state' });
    return toCase(row);
  }
}
