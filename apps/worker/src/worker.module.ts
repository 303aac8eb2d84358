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
import { CommandBus, type ICommand } from '@nestjs/cqrs';

/** Background work: the processor of each job, and the schedule of repeated jobs. */
@Module({ imports: [AdminModule, IdentityModule, MarketplaceModule, NotificationsModule] })
export class WorkerModule implements OnApplicationBootstrap {
  constructor(
    private readonly queues: Queues,
    private readonly commands: CommandBus,
    private readonly bookings: Bookings,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    const run = (command: ICommand) => this.commands.execute(command);
    await this.queues.work(
      {
        'purge-sessions': () => run(new PurgeSessions()),
        notify: ({ cause, recipientIds }, { again }) => run(new Notify(cause, recipientIds, again)),
        'notify-everyone': ({ cause }) => run(new NotifyEveryone(cause)),
        'release-notifications': () => run(new ReleaseNotifications()),
        'hide-notifications': ({ postId }) => run(new HideNotifications(postId)),
        'revise-notifications': ({ keys }) => run(new ReviseNotifications(keys)),
        'purge-notifications': () => run(new PurgeNotifications()),
        'expire-bookings': async () => {
          await run(new ExpireBookings());
          await run(new CompleteBookings());
        },
        'show-bookings': ({ bookingIds }) => this.bookings.announceAll(bookingIds),
        'remind-bookings': () => run(new RemindBookings()),
        'propose-bookings': () => run(new ProposeBookings()),
        'reconcile-ban': ({ userId }) => run(new ReconcileUser(userId)),
        'reconcile-block': ({ userId, otherId }) => run(new ReconcileNotifications(userId, otherId)),
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
