import { PrismaService, RateLimits, networkOf, type User } from '#platform';
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
 * @throws AppError UNAUTHORIZED, RATE_LIMIT (by session; by network for tokens that this server did not issue)
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
  constructor(
    private readonly prisma: PrismaService,
    private readonly publisher: EventPublisher,
    private readonly limits: RateLimits,
    private readonly signer: RefreshTokenSigner,
    private readonly sessions: Sessions,
  ) {}

  async execute({ refreshToken, ip }: RefreshTokens): Promise<SignInAnswer> {
    const presented = this.signer.read(refreshToken);
    if (!presented) {
      await this.limits.takeOf('badRefresh', networkOf(ip));
      throw invalidToken();
    }
    const { sessionId, generation } = presented;
    await this.limits.take('restWrite', sessionId);
    const user = (await this.rotate(sessionId, generation)) ?? (await this.repeat(sessionId, generation));
    if (user) return this.sessions.answer(user, sessionId, generation + 1);
    await this.revokeIfReused(sessionId, generation);
    throw invalidToken((await this.isOfBanned(sessionId)) ? 'account_banned' : 'session_revoked');
  }

  /** One statement: of two refreshes with the same token, exactly one rotates. */
  private async rotate(id: string, generation: number): Promise<User | undefined> {
    const now = new Date();
    const [rotated] = await this.prisma.$queryRaw<{ user_id: string }[]>`
      UPDATE sessions
      SET refresh_generation = refresh_generation + 1, refreshed_at = ${now},
        expires_at = ${new Date(now.getTime() + SESSION_LIFETIME_MS)}
      FROM users
      WHERE sessions.id = ${id}::uuid AND refresh_generation = ${generation}
        AND revoked_at IS NULL AND expires_at > ${now}
        AND users.id = sessions.user_id AND users.banned_at IS NULL
      RETURNING users.id AS user_id`;
    return rotated && this.prisma.user.findUniqueOrThrow({ where: { id: rotated.user_id } });
  }

  private async repeat(id: string, generation: number): Promise<User | undefined> {
    const now = Date.now();
    const session = await this.prisma.session.findFirst({
      where: {
        id,
        refreshGeneration: generation + 1,
        refreshedAt: { gt: new Date(now - GRACE_MS) },
        revokedAt: null,
        expiresAt: { gt: new Date(now) },
        user: { bannedAt: null },
      },
      include: { user: true },
    });
    return session?.user;
  }

  private async revokeIfReused(id: string, generation: number): Promise<void> {
    const now = new Date();
    const justReplaced = {
      refreshGeneration: generation + 1,
      refreshedAt: { gt: new Date(now.getTime() - GRACE_MS) },
    };
    const { count } = await this.prisma.session.updateMany({
      where: { id, refreshGeneration: { gt: generation }, revokedAt: null, NOT: justReplaced },
      data: { revokedAt: now },
    });
    if (count > 0) this.publisher.signOut({ sessionId: id }, sessionRevoked().toBody());
  }

  private async isOfBanned(id: string): Promise<boolean> {
    return (await this.prisma.session.count({ where: { id, user: { bannedAt: { not: null } } } })) > 0;
  }
}
