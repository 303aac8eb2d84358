import { AppError } from '#contracts';
import { PrismaService, RealtimeEmitter } from '#platform';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { toAccount, type Account } from '../account.js';
import { lockForAdmin, revokeSessions } from '../admin-steps.js';
import { audit } from '../audit.js';

/**
 * Shuts a user out at once: their sessions end, their sockets are told and closed, and nobody signs in with this
 * account (contract, `POST admin/users/:id/ban`). Repeating it changes nothing.
 * @throws AppError NOT_FOUND; CONFLICT for an admin, oneself included: somebody has to take the role away first
 */
export class BanUser extends Command<Account> {
  constructor(
    readonly adminId: string,
    readonly userId: string,
    readonly reason?: string,
  ) {
    super();
  }
}

@CommandHandler(BanUser)
export class BanUserHandler implements ICommandHandler<BanUser> {
  constructor(
    private readonly prisma: PrismaService,
    private readonly emitter: RealtimeEmitter,
  ) {}

  async execute({ adminId, userId, reason }: BanUser): Promise<Account> {
    const account = await this.prisma.$transaction(async (tx) => {
      const user = await lockForAdmin(tx, adminId, userId);
      if (user.role === 'admin') throw new AppError('CONFLICT', 'An admin cannot be banned');
      // A socket that is just opening is in its room already and hears of it, or finds its session revoked.
      await revokeSessions(tx, userId);
      if (user.bannedAt) return user;
      await audit(tx, adminId, 'user_banned', userId, { reason: reason ?? null });
      return tx.user.update({ where: { id: userId }, data: { bannedAt: new Date() } });
    });
    // Also when it is repeated: the first one may have been cut off before this.
    this.emitter.signOut({ userId }, new AppError('UNAUTHORIZED', 'This account is banned').toBody());
    return toAccount(account);
  }
}
