import type { AppError } from '#contracts';
import { KeyedQueue, PrismaService, RateLimits, networkOf } from '#platform';
import { EventPublisher } from '#realtime';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { invalidToken, sessionRevoked } from '../sessions/access-token.js';
import { RefreshTokenSigner, SESSION_LIFETIME_MS } from '../sessions/refresh-token.js';
import { Sessions, type SignInAnswer } from '../sessions/sessions.js';

/** A lost answer, or two refreshes at once, must not sign the user out. */
const GRACE_MS = 60_000;

/**
 * Rotates the refresh token of a session (`POST auth/refresh`). An old token counts as stolen and revokes the session.
 * For 60 s after a rotation, the previous token returns the current one again.
 * @throws AppError UNAUTHORIZED, RATE_LIMIT (by session, and by user; by network for tokens that are not valid)
 */
export class RefreshTokens extends Command<SignInAnswer> {
  constructor(
    readonly refreshToken: string,
    /** In canonical form. */
    readonly ip: string,
  ) {
    super();
  }
}

@CommandHandler(RefreshTokens)
export class RefreshTokensHandler implements ICommandHandler<RefreshTokens> {
  /** The refreshes of each session. */
  private readonly queue = new KeyedQueue();

  constructor(
    private readonly prisma: PrismaService,
    private readonly publisher: EventPublisher,
    private readonly limits: RateLimits,
    private readonly signer: RefreshTokenSigner,
    private readonly sessions: Sessions,
  ) {}

  async execute({ refreshToken, ip }: RefreshTokens): Promise<SignInAnswer> {
    const presented = this.signer.read(refreshToken);
    if (!presented) throw await this.refusal(ip);
    const { sessionId, generation } = presented;
    // Before the look-up: a token stays well signed after its session has ended.
    await this.limits.take('refresh', sessionId);
    return this.queue.run(sessionId, () => this.refresh(sessionId, generation, ip));
  }

  private async refresh(id: string, generation: number, ip: string): Promise<SignInAnswer> {
    const session = await this.prisma.session.findUnique({ where: { id }, include: { user: true } });
    if (!session || session.revokedAt || session.expiresAt <= new Date() || session.user.bannedAt)
      throw await this.refusal(ip, session?.user.bannedAt ? 'account_banned' : 'session_revoked');
    await this.limits.take('restWrite', session.userId);
    const isCurrent = session.refreshGeneration === generation && (await this.rotate(id, generation));
    if (isCurrent || (await this.isJustReplaced(id, generation)))
      return this.sessions.answer(session.user, id, generation + 1);
    await this.revokeIfReused(id, generation);
    throw await this.refusal(ip, 'session_revoked');
  }

  /** @throws AppError RATE_LIMIT */
  private async refusal(ip: string, reason?: Parameters<typeof invalidToken>[0]): Promise<AppError> {
    await this.limits.takeOf('badRefresh', networkOf(ip));
    return invalidToken(reason);
  }

  /** One statement: of two refreshes with the same token, on different nodes, exactly one rotates. */
  private async rotate(id: string, generation: number): Promise<boolean> {
    const now = new Date();
    const { count } = await this.prisma.session.updateMany({
      where: { ...live(id, now), refreshGeneration: generation },
      data: {
        refreshGeneration: { increment: 1 },
        refreshedAt: now,
        expiresAt: new Date(now.getTime() + SESSION_LIFETIME_MS),
      },
    });
    return count > 0;
  }

  private async isJustReplaced(id: string, generation: number): Promise<boolean> {
    const now = new Date();
    return (
      (await this.prisma.session.count({ where: { ...live(id, now), ...justReplaced(generation, now) } })) > 0
    );
  }

  private async revokeIfReused(id: string, generation: number): Promise<void> {
    const now = new Date();
    const { count } = await this.prisma.session.updateMany({
      where: {
        id,
        refreshGeneration: { gt: generation },
        revokedAt: null,
        NOT: justReplaced(generation, now),
      },
      data: { revokedAt: now },
    });
    if (count > 0) this.publisher.signOut({ sessionId: id }, sessionRevoked().toBody());
  }
}

const live = (id: string, now: Date) => ({
  id,
  revokedAt: null,
  expiresAt: { gt: now },
  user: { bannedAt: null },
});

const justReplaced = (generation: number, now: Date) => ({
  refreshGeneration: generation + 1,
  refreshedAt: { gt: new Date(now.getTime() - GRACE_MS) },
});
