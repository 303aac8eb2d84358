import { AppError, type RoleBody } from '#contracts';
import { PrismaService } from '#platform';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { toAccount, type Account } from '../accounts/account.js';
import { lockForAdmin } from '../moderation/admin-steps.js';
import { audit } from '../moderation/audit.js';

/**
 * Grants or takes the admin role, effective from the user's next request (`PATCH admin/users/:id`). Admins cannot
 * change their own role, so one admin always remains. A banned user cannot become an admin.
 * @throws AppError NOT_FOUND, FORBIDDEN (for one's own role), CONFLICT (when the user is banned)
 */
export class SetRole extends Command<Account> {
  constructor(
    readonly adminId: string,
    readonly userId: string,
    readonly role: RoleBody['role'],
  ) {
    super();
  }
}

@CommandHandler(SetRole)
export class SetRoleHandler implements ICommandHandler<SetRole> {
  constructor(private readonly prisma: PrismaService) {}

  async execute({ adminId, userId, role }: SetRole): Promise<Account> {
    if (adminId === userId) throw new AppError('FORBIDDEN', 'Only another admin may change your role');
    const account = await this.prisma.$transaction(async (tx) => {
      const user = await lockForAdmin(tx, adminId, userId);
      if (user.role === role) return user;
      if (user.bannedAt && role === 'admin')
        throw new AppError('CONFLICT', 'A banned user cannot be an admin');
      await audit(tx, adminId, 'role_changed', userId, { from: user.role, to: role });
      return tx.user.update({ where: { id: userId }, data: { role } });
    });
    return toAccount(account);
  }
}
