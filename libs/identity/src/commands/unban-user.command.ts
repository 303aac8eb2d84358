import { PrismaService } from '#platform';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { toAccount, type Account } from '../account.js';
import { lockForAdmin } from '../admin-steps.js';
import { audit } from '../audit.js';

/**
 * Lets a banned user in again, who has to sign in anew (contract, `POST admin/users/:id/unban`). Repeating it changes
 * nothing.
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
  constructor(private readonly prisma: PrismaService) {}

  async execute({ adminId, userId }: UnbanUser): Promise<Account> {
    const account = await this.prisma.$transaction(async (tx) => {
      const user = await lockForAdmin(tx, adminId, userId);
      if (!user.bannedAt) return user;
      await audit(tx, adminId, 'user_unbanned', userId);
      return tx.user.update({ where: { id: userId }, data: { bannedAt: null } });
    });
    return toAccount(account);
  }
}
