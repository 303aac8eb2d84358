import { LiveDeliveryModule } from '#realtime';
import { Module } from '@nestjs/common';
import { HideNotificationsHandler } from './commands/hide-notifications.command.js';
import { NotifyEveryoneHandler } from './commands/notify-everyone.command.js';
import { NotifyHandler } from './commands/notify.command.js';
import { PurgeNotificationsHandler } from './commands/purge-notifications.command.js';
import { ReadAllNotificationsHandler } from './commands/read-all-notifications.command.js';
import { ReadNotificationHandler } from './commands/read-notification.command.js';
import { ReconcileNotificationsHandler } from './commands/reconcile-notifications.command.js';
import { ReleaseNotificationsHandler } from './commands/release-notifications.command.js';
import { ReviseNotificationsHandler } from './commands/revise-notifications.command.js';
import { SetPreferencesHandler } from './commands/set-preferences.command.js';
import { NotificationPublisher } from './delivery/notification-publisher.js';
import { CountUnreadHandler } from './queries/count-unread.query.js';
import { GetPreferencesHandler } from './queries/get-preferences.query.js';
import { ListNotificationsHandler } from './queries/list-notifications.query.js';
import { SyncNotificationsHandler } from './queries/sync-notifications.query.js';

/**
 * The notification types: recipients, texts and times. The app must import PlatformModule and CqrsModule.forRoot().
 */
@Module({
  imports: [LiveDeliveryModule],
  providers: [
    CountUnreadHandler,
    GetPreferencesHandler,
    HideNotificationsHandler,
    ListNotificationsHandler,
    NotificationPublisher,
    NotifyEveryoneHandler,
    NotifyHandler,
    PurgeNotificationsHandler,
    ReadAllNotificationsHandler,
    ReadNotificationHandler,
    ReconcileNotificationsHandler,
    ReleaseNotificationsHandler,
    ReviseNotificationsHandler,
    SetPreferencesHandler,
    SyncNotificationsHandler,
  ],
  exports: [NotificationPublisher],
})
export class NotificationsModule {}
