export { AdminModule } from './admin.module.js';
export { BanUser } from './commands/ban-user.command.js';
export { CreateReport } from './commands/create-report.command.js';
export { ReconcileUser } from './commands/reconcile-user.command.js';
export { ResolveReport } from './commands/resolve-report.command.js';
export { UnbanUser } from './commands/unban-user.command.js';
export { GetStats } from './queries/get-stats.query.js';
export { ListReports } from './queries/list-reports.query.js';
