import { AppError } from '#contracts';
import { PrismaService } from '#platform';
import { EventPublisher } from '#realtime';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { sessionRevoked } from '../sessions/access-token.js';

/**
 * Signs out one device of the user: the current one (`POST auth/logout`) or another (`DELETE auth/sessions/:id`). Its
 * sockets are notified and closed.
 * @throws AppError NOT_FOUND (also for another user's session)
 */
export class RevokeSession extends Command<void> {
  constructor(
    readonly userId: string,
    readonly sessionId: string,
  ) {
    super();
  }
}

@CommandHandler(RevokeSession)
export class RevokeSessionHandler implements ICommandHandler<RevokeSession> {
  constructor(
    private readonly prisma: PrismaService,
    private readonly publisher: EventPublisher,
  ) {}

  async execute({ userId, sessionId }: RevokeSession): Promise<void> {
    const { count } = await this.prisma.session.updateMany({
      where: { id: sessionId, userId, revokedAt: null },
      data: { revokedAt: new Date() },
    });
    if (count === 0) throw new AppError('NOT_FOUND', 'No such session');
    this.publisher.signOut({ sessionId }, sessionRevoked().toBody());
  }
}
