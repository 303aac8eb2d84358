import { PrismaService } from '#platform';
import { EventPublisher } from '#realtime';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { sessionRevoked } from '../sessions/access-token.js';
import { lockForAdmin, revokeSessions } from '../moderation/admin-steps.js';
import { audit } from '../moderation/audit.js';

/**
 * An admin signs out all devices of a user (`DELETE admin/users/:id/sessions`). Their sockets are notified and closed.
 * Repeating it changes nothing.
 * @throws AppError NOT_FOUND
 */
export class RevokeSessions extends Command<void> {
  constructor(
    readonly adminId: string,
    readonly userId: string,
  ) {
    super();
  }
}

@CommandHandler(RevokeSessions)
export class RevokeSessionsHandler implements ICommandHandler<RevokeSessions> {
  constructor(
    private readonly prisma: PrismaService,
    private readonly publisher: EventPublisher,
  ) {}

  async execute({ adminId, userId }: RevokeSessions): Promise<void> {
    const revoked = await this.prisma.$transaction(async (tx) => {
      await lockForAdmin(tx, adminId, userId);
      const ids = await revokeSessions(tx, userId);
      if (ids.length > 0) await audit(tx, adminId, 'sessions_revoked', userId, { count: ids.length });
      return ids;
    });
    // Each session separately: the user may have signed in again by now.
    for (const sessionId of revoked) this.publisher.signOut({ sessionId }, sessionRevoked().toBody());
  }
}
