import { AdminModule, ReconcileUser } from '#admin';
import { IdentityModule, PurgeSessions } from '#identity';
import {
  Bookings,
  CompleteBookings,
  ExpireBookings,
  MarketplaceModule,
  ProposeBookings,
  RemindBookings,
} from '#marketplace';
import {
  HideNotifications,
  NotificationsModule,
  Notify,
  NotifyEveryone,
  PurgeNotifications,
  ReconcileNotifications,
  ReleaseNotifications,
  ReviseNotifications,
} from '#notifications';
import { Queues } from '#platform';
import { Module, type OnApplicationBootstrap } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';

/** Background work: the processor of each job, and the schedule of repeated jobs. */
@Module({ imports: [AdminModule, IdentityModule, MarketplaceModule, NotificationsModule] })
export class WorkerModule implements OnApplicationBootstrap {
  constructor(
    private readonly queues: Queues,
    private readonly commands: CommandBus,
    private readonly bookings: Bookings,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.queues.work(
      {
        'purge-sessions': async () => void (await this.commands.execute(new PurgeSessions())),
        notify: ({ cause, recipientIds }, { again }) =>
          this.commands.execute(new Notify(cause, recipientIds, again)),
        'notify-everyone': ({ cause }) => this.commands.execute(new NotifyEveryone(cause)),
        'release-notifications': async () => void (await this.commands.execute(new ReleaseNotifications())),
        'hide-notifications': ({ postId }) => this.commands.execute(new HideNotifications(postId)),
        'revise-notifications': ({ keys }) => this.commands.execute(new ReviseNotifications(keys)),
        'purge-notifications': async () => void (await this.commands.execute(new PurgeNotifications())),
        'expire-bookings': async () => {
          await this.commands.execute(new ExpireBookings());
          await this.commands.execute(new CompleteBookings());
        },
        'show-bookings': async ({ bookingIds }) => void (await this.bookings.announceAll(bookingIds)),
        'remind-bookings': async () => void (await this.commands.execute(new RemindBookings())),
        'propose-bookings': async () => void (await this.commands.execute(new ProposeBookings())),
        'reconcile-ban': ({ userId }) => this.commands.execute(new ReconcileUser(userId)),
        'reconcile-block': ({ userId, otherId }) =>
          this.commands.execute(new ReconcileNotifications(userId, otherId)),
      },
      {
        'purge-sessions': { pattern: '0 4 * * *' },
        'release-notifications': { pattern: '* * * * *' },
        'purge-notifications': { pattern: '30 4 * * *' },
        'expire-bookings': { pattern: '* * * * *' },
        'remind-bookings': { pattern: '* * * * *' },
        'propose-bookings': { pattern: '0 * * * *' },
      },
    );
  }
}
