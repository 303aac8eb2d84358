import { audit, lockForAdmin, toAccount, type Account } from '#identity';
import { PrismaService } from '#platform';
import { Command, CommandBus, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { ReconcileUser, promiseReconciliation } from './reconcile-user.command.js';

/**
 * Ends a ban; the user has to sign in again. Before the answer, everything that can be restored is (`ReconcileUser`).
 * Repeating it completes an interrupted unban.
 * @throws AppError NOT_FOUND
 */
export class UnbanUser extends Command<Account> {
  constructor(
    readonly adminId: string,
    readonly userId: string,
  ) {
    super();
  }
}

@CommandHandler(UnbanUser)
export class UnbanUserHandler implements ICommandHandler<UnbanUser> {
  constructor(
    private readonly prisma: PrismaService,
    private readonly commands: CommandBus,
  ) {}

  async execute({ adminId, userId }: UnbanUser): Promise<Account> {
    const { account, jobId } = await this.prisma.$transaction(async (tx) => {
      const user = await lockForAdmin(tx, adminId, userId);
      const jobId = await promiseReconciliation(tx, userId);
      if (!user.bannedAt) return { account: user, jobId };
      await audit(tx, adminId, 'user_unbanned', userId);
      const data = { bannedAt: null };
      return { account: await tx.user.update({ where: { id: userId }, data }), jobId };
    });
    await this.commands.execute(new ReconcileUser(userId));
    await this.prisma.outboxJob.deleteMany({ where: { id: jobId } });
    return toAccount(account);
  }
}
