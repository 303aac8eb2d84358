export { Notify } from './commands/notify.command.js';
export { NotificationsModule } from './notifications.module.js';
export { tell, tellAll } from './notifier.js';
