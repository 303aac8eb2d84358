import { ChatModule } from '#chat';
import { IdentityModule } from '#identity';
import { MarketplaceModule } from '#marketplace';
import { PresenceModule } from '#presence';
import { SocialModule } from '#social';
import { Module } from '@nestjs/common';
import { CreateReportHandler } from './commands/create-report.command.js';
import { ResolveReportHandler } from './commands/resolve-report.command.js';
import { GetStatsHandler } from './queries/get-stats.query.js';
import { ListReportsHandler } from './queries/list-reports.query.js';
import { ReportTargets } from './report-targets.js';

/** What looks at the whole house: reports of anything in it, and how much of everything there is. */
@Module({
  imports: [ChatModule, IdentityModule, MarketplaceModule, PresenceModule, SocialModule],
  providers: [ReportTargets, CreateReportHandler, ResolveReportHandler, GetStatsHandler, ListReportsHandler],
})
export class AdminModule {}
