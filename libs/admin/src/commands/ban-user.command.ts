import { AppError } from '#contracts';
import { accountBanned, audit, lockForAdmin, revokeSessions, toAccount, type Account } from '#identity';
import { PrismaService } from '#platform';
import { EventPublisher } from '#realtime';
import { Command, CommandBus, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { ReconcileUser, promiseReconciliation } from './reconcile-user.command.js';

/**
 * Bans a user: their sessions, sockets and answers end at once, and nobody can sign in to the account. Before the answer,
 * everybody else stops seeing the user (`ReconcileUser`). Repeating it completes an interrupted ban.
 * @throws AppError NOT_FOUND, CONFLICT (for an admin, oneself included: another admin must take the role away first)
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
    private readonly publisher: EventPublisher,
    private readonly commands: CommandBus,
  ) {}

  async execute({ adminId, userId, reason }: BanUser): Promise<Account> {
    const { account, jobId } = await this.prisma.$transaction(async (tx) => {
      const user = await lockForAdmin(tx, adminId, userId);
      if (user.role === 'admin') throw new AppError('CONFLICT', 'An admin cannot be banned');
      // A connecting device either is registered and signed out below, or finds its session revoked.
      await revokeSessions(tx, userId);
      const jobId = await promiseReconciliation(tx, userId);
      if (user.bannedAt) return { account: user, jobId };
      await audit(tx, adminId, 'user_banned', userId, { reason: reason ?? null });
      const data = { bannedAt: new Date() };
      return { account: await tx.user.update({ where: { id: userId }, data }), jobId };
    });
    this.publisher.signOut({ userId }, accountBanned().toBody());
    this.publisher.signal('stopAnswersOf', { userId });
    await this.commands.execute(new ReconcileUser(userId));
    await this.prisma.outboxJob.deleteMany({ where: { id: jobId } });
    return toAccount(account);
  }
}
