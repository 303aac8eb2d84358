import { AppError, MAX_OPEN_REPORTS, type ReportBody, type ReportDto } from '#contracts';
import { newId, PrismaService } from '#platform';
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

  async execute({
    reporterId,
    body: { kind, target_id: targetId, reason },
  }: CreateReport): Promise<ReportDto> {
    const same = { reporterId, kind, targetId, status: 'open' as const };
    // Before the target, which may be gone by now.
    const repeated = await this.prisma.report.findFirst({ where: same });
    if (repeated) return toReport(repeated);
    const target = await this.targets.find(reporterId, kind, targetId);
    return this.prisma.$transaction(async (tx) => {
      // Under the reporter's row: of two at the same moment, the second finds and counts the first.
      await tx.$queryRaw`SELECT FROM users WHERE id = ${reporterId}::uuid FOR NO KEY UPDATE`;
      const first = await tx.report.findFirst({ where: same });
      if (first) return toReport(first);
      if ((await tx.report.count({ where: { reporterId, status: 'open' } })) >= MAX_OPEN_REPORTS)
        throw new AppError('CONFLICT', `${MAX_OPEN_REPORTS} open reports are the most there can be`);
      return toReport(await tx.report.create({ data: { id: newId(), ...same, ...target, reason } }));
    });
  }
}
