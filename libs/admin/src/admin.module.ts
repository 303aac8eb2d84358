import { LiveDeliveryModule } from '#realtime';
import { ChatModule } from '#chat';
import { IdentityModule } from '#identity';
import { MarketplaceModule } from '#marketplace';
import { PresenceModule } from '#presence';
import { SocialModule } from '#social';
import { Module } from '@nestjs/common';
import { BanUserHandler } from './commands/ban-user.command.js';
import { CreateReportHandler } from './commands/create-report.command.js';
import { ReconcileUserHandler } from './commands/reconcile-user.command.js';
import { ResolveReportHandler } from './commands/resolve-report.command.js';
import { UnbanUserHandler } from './commands/unban-user.command.js';
import { GetStatsHandler } from './queries/get-stats.query.js';
import { ListReportsHandler } from './queries/list-reports.query.js';
import { ReportTargets } from './report-targets.js';

/** Features that concern several libs: bans, reports and statistics. */
@Module({
  imports: [ChatModule, IdentityModule, LiveDeliveryModule, MarketplaceModule, PresenceModule, SocialModule],
  providers: [
    ReportTargets,
    BanUserHandler,
    CreateReportHandler,
    ReconcileUserHandler,
    ResolveReportHandler,
    UnbanUserHandler,
    GetStatsHandler,
    ListReportsHandler,
  ],
})
export class AdminModule {}
