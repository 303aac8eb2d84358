import { ReconcileMemberships, ReconcileReactions } from '#chat';
import { ReconcileBookings } from '#marketplace';
import { ReconcileNotifications } from '#notifications';
import { ReconcileContributions } from '#social';
import { HEAD_START_MS, addJob, type Prisma } from '#platform';
import { Command, CommandBus, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';

/**
 * Each step makes one lib's stored data consistent with the current `users.banned_at`. Repeating it changes nothing.
 * Memberships come after reactions, so that `chat:updated` has the new change number of both.
 */
const STEPS: (new (userId: string) => Command<void>)[] = [
  ReconcileReactions,
  ReconcileMemberships,
  ReconcileContributions,
  ReconcileBookings,
  ReconcileNotifications,
];

/** Stores the job for `ReconcileUser` in the transaction. @returns its id; delete the job once the work is done */
export const promiseReconciliation = (tx: Prisma.TransactionClient, userId: string): Promise<string> =>
  addJob(tx, 'reconcile-ban', { userId }, HEAD_START_MS);

/**
 * Makes all stored data of a user consistent with their ban status. After a ban, nobody else sees the user. After an
 * unban, everything that can be restored is. The ban and unban run this before they answer. If they are interrupted,
 * the job `reconcile-ban` runs it.
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
