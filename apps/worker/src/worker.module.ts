import { IdentityModule, PurgeSessions } from '#identity';
import { NotificationsModule, Notify } from '#notifications';
import { Queues } from '#platform';
import { Module, type OnApplicationBootstrap } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';

/** Background work: what each job does, and when the scheduled ones run. */
@Module({ imports: [IdentityModule, NotificationsModule] })
export class WorkerModule implements OnApplicationBootstrap {
  constructor(
    private readonly queues: Queues,
    private readonly commands: CommandBus,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.queues.work(
      {
        'purge-sessions': async () => void (await this.commands.execute(new PurgeSessions())),
        notify: ({ cause, recipientIds }) => this.commands.execute(new Notify(cause, recipientIds)),
        'notify-everyone': () => Promise.resolve(),
        'release-notifications': () => Promise.resolve(),
        'purge-notifications': () => Promise.resolve(),
      },
      { 'purge-sessions': { pattern: '0 4 * * *' } },
    );
  }
}
