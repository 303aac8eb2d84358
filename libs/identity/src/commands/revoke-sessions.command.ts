import { PrismaService, RealtimeEmitter } from '#platform';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { sessionRevoked } from '../access-token.js';
import { lockForAdmin, revokeSessions } from '../admin-steps.js';
import { audit } from '../audit.js';

/**
 * An admin signs all of a user's devices out; their sockets are told and closed (contract,
 * `DELETE admin/users/:id/sessions`). Repeating it changes nothing.
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
    private readonly emitter: RealtimeEmitter,
  ) {}

  async execute({ adminId, userId }: RevokeSessions): Promise<void> {
    const revoked = await this.prisma.$transaction(async (tx) => {
      await lockForAdmin(tx, adminId, userId);
      const ids = await revokeSessions(tx, userId);
      if (ids.length > 0) await audit(tx, adminId, 'sessions_revoked', userId, { count: ids.length });
      return ids;
    });
    // One by one: the user may have signed in anew by now.
    for (const sessionId of revoked) this.emitter.signOut({ sessionId }, sessionRevoked().toBody());
  }
}
