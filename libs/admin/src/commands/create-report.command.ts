import { AppError, MAX_OPEN_REPORTS, type ReportBody, type ReportDto } from '#contracts';
import { newId, PrismaService, type Prisma } from '#platform';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { ReportTargets } from '../report-targets.js';
import { toReport } from '../reports.js';

/**
 * Reports something to the admins (`POST reports`). While a user's report of the same target is open, repeating it
 * returns that report.
 * @throws AppError NOT_FOUND (also for a target hidden from the reporter), FORBIDDEN (for a message of another chat),
 *   CONFLICT (with 100 open reports)
 */
export class CreateReport extends Command<ReportDto> {
  constructor(
    readonly reporterId: string,
    readonly body: ReportBody,
  ) {
    super();
  }
}

@CommandHandler(CreateReport)
export class CreateReportHandler implements ICommandHandler<CreateReport> {
  constructor(
    private readonly prisma: PrismaService,
    private readonly targets: ReportTargets,
  ) {}

  async execute({ reporterId, body }: CreateReport): Promise<ReportDto> {
    const { kind, target_id: targetId, reason } = body;
    // Before the target is looked up, which may be deleted by now.
    const repeated = await this.openOne(this.prisma, reporterId, body);
    if (repeated) return repeated;
    const target = await this.targets.find(reporterId, kind, targetId);
    return this.prisma.$transaction(async (tx) => {
      // The lock of the reporter's row: of two concurrent reports, the second finds and counts the first.
      await tx.$queryRaw`SELECT FROM users WHERE id = ${reporterId}::uuid FOR NO KEY UPDATE`;
      const first = await this.openOne(tx, reporterId, body);
      if (first) return first;
      const open = await tx.$queryRaw<object[]>`
        SELECT FROM reports WHERE reporter_id = ${reporterId}::uuid AND status = 'open' LIMIT ${MAX_OPEN_REPORTS}`;
      if (open.length >= MAX_OPEN_REPORTS)
        throw new AppError('CONFLICT', `Limit of ${MAX_OPEN_REPORTS} open reports reached`);
      return toReport(
        await tx.report.create({ data: { id: newId(), reporterId, kind, targetId, ...target, reason } }),
      );
    });
  }

  /** Written in SQL: the index of open reports is used only when the status is not a parameter. */
  private async openOne(
    tx: Pick<Prisma.TransactionClient, '$queryRaw' | 'report'>,
    reporterId: string,
    { kind, target_id }: ReportBody,
  ): Promise<ReportDto | undefined> {
    const [found] = await tx.$queryRaw<{ id: string }[]>`
      SELECT id FROM reports WHERE reporter_id = ${reporterId}::uuid AND kind = ${kind}::report_kind
        AND target_id = ${target_id}::uuid AND status = 'open'`;
    return found && toReport(await tx.report.findUniqueOrThrow({ where: { id: found.id } }));
  }
}
