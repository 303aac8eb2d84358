export { AdminModule } from './admin.module.js';
export { CreateReport } from './commands/create-report.command.js';
export { ResolveReport } from './commands/resolve-report.command.js';
export { GetStats } from './queries/get-stats.query.js';
export { ListReports } from './queries/list-reports.query.js';
