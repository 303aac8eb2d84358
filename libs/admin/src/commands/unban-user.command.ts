import { audit, lockForAdmin, toAccount, type Account } from '#identity';
import { PrismaService, addJob } from '#platform';
import { Command, CommandBus, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { ReconcileUser } from './reconcile-user.command.js';

/**
 * Lets a banned user in again, who has to sign in anew. When it is answered, what can be restored is (`ReconcileUser`).
 * Repeating it makes good for one that was cut off.
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
    const account = await this.prisma.$transaction(async (tx) => {
      const user = await lockForAdmin(tx, adminId, userId);
      await addJob(tx, 'reconcile-ban', { userId });
      if (!user.bannedAt) return user;
      await audit(tx, adminId, 'user_unbanned', userId);
      return tx.user.update({ where: { id: userId }, data: { bannedAt: null } });
    });
    await this.commands.execute(new ReconcileUser(userId));
    return toAccount(account);
  }
}
