import { ReconcileMemberships, ReconcileReactions } from '#chat';
import { ReconcileBookings } from '#marketplace';
import { ReconcileNotifications } from '#notifications';
import { ReconcileContributions } from '#social';
import { addJob, type Prisma } from '#platform';
import { Command, CommandBus, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';

/**
 * Each brings one lib's stored data in line with `users.banned_at` as it is now; again changes nothing. Memberships come after
 * reactions: their `chat:updated` has the new change number of both.
 */
const STEPS: (new (userId: string) => Command<void>)[] = [
  ReconcileReactions,
  ReconcileMemberships,
  ReconcileContributions,
  ReconcileBookings,
  ReconcileNotifications,
];

/** How long the ban or the unban works alone before the job runs the same, ms. */
const JOB_DELAY_MS = 60_000;

/** Promises `ReconcileUser` to its transaction. @returns the id of the job, to be deleted once that was done */
export const promiseReconciliation = (tx: Prisma.TransactionClient, userId: string): Promise<string> =>
  addJob(tx, 'reconcile-ban', { userId }, JOB_DELAY_MS);

/**
 * Brings everything stored of a user in line with whether they are banned: after a ban they are absent for everybody
 * else, after an unban what can be restored is. The ban and the unban run it before they answer. If they are cut off, the
 * job `reconcile-ban` runs it.
 */
export class ReconcileUser extends Command<void> {
  constructor(readonly userId: string) {
    super();
  }
}

@CommandHandler(ReconcileUser)
export class ReconcileUserHandler implements ICommandHandler<ReconcileUser> {
  constructor(private readonly commands: CommandBus) {}

  async execute({ userId }: ReconcileUser): Promise<void> {
    for (const Step of STEPS) await this.commands.execute(new Step(userId));
  }
}
