export { HideNotifications } from './commands/hide-notifications.command.js';
export { Notify, enqueueNotification, enqueueNotifications } from './commands/notify.command.js';
export { NotifyEveryone } from './commands/notify-everyone.command.js';
export { PurgeNotifications } from './commands/purge-notifications.command.js';
export { ReadAllNotifications } from './commands/read-all-notifications.command.js';
export { ReadNotification } from './commands/read-notification.command.js';
export { ReconcileNotifications } from './commands/reconcile-notifications.command.js';
export { ReleaseNotifications } from './commands/release-notifications.command.js';
export { ReviseNotifications } from './commands/revise-notifications.command.js';
export { SetPreferences } from './commands/set-preferences.command.js';
export { NotificationPublisher } from './delivery/notification-publisher.js';
export { NotificationsModule } from './notifications.module.js';
export { CountUnread } from './queries/count-unread.query.js';
export { GetPreferences } from './queries/get-preferences.query.js';
export { ListNotifications } from './queries/list-notifications.query.js';
export { SyncNotifications } from './queries/sync-notifications.query.js';
export {
  causes,
  forgetPost,
  keyAs,
  lockAudience,
  revise,
  reviseBetween,
  type Revised,
} from './revisions/revise.js';
