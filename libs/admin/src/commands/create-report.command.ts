import { AppError, MAX_OPEN_REPORTS, type ReportBody, type ReportDto } from '#contracts';
import { newId, PrismaService, type Prisma } from '#platform';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { ReportTargets } from '../report-targets.js';
import { toReport } from '../reports.js';

/**
 * Has admins look at something (contract, `POST reports`). While a user's report of it is open, repeating it gives back
 * that one.
 * @throws AppError NOT_FOUND, also for what the reporter may not see; FORBIDDEN for a message of a chat that they are
 *   not in; CONFLICT with 100 open ones
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
    // Before the target, which may be gone by now.
    const repeated = await this.openOne(this.prisma, reporterId, body);
    if (repeated) return repeated;
    const target = await this.targets.find(reporterId, kind, targetId);
    return this.prisma.$transaction(async (tx) => {
      // Under the reporter's row: of two at the same moment, the second finds and counts the first.
      await tx.$queryRaw`SELECT FROM users WHERE id = ${reporterId}::uuid FOR NO KEY UPDATE`;
      const first = await this.openOne(tx, reporterId, body);
      if (first) return first;
      const open = await tx.$queryRaw<object[]>`
        SELECT FROM reports WHERE reporter_id = ${reporterId}::uuid AND status = 'open' LIMIT ${MAX_OPEN_REPORTS}`;
      if (open.length >= MAX_OPEN_REPORTS)
        throw new AppError('CONFLICT', `${MAX_OPEN_REPORTS} open reports are the most there can be`);
      return toReport(
        await tx.report.create({ data: { id: newId(), reporterId, kind, targetId, ...target, reason } }),
      );
    });
  }

  /** In SQL of our own: the index of open reports is of use only where the status is no parameter. */
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
