import { SYNC_REASONS } from '#contracts';
import { Config, PrismaService, type User } from '#platform';
import { Injectable } from '@nestjs/common';
import { accessClaims, invalidToken, signingKey, verifyAccessToken } from './access-token.js';

/** Who makes a request or holds a socket. `expiresAt` is the access token's. */
export interface SignedIn extends Pick<User, 'name' | 'role' | 'locale'> {
  userId: string;
  sessionId: string;
  tokenId: string;
  expiresAt: Date;
}

/** The one way in, for REST and for sockets (contract, "Connecting"). */
@Injectable()
export class Authenticator {
  private readonly key: string;

  constructor(
    config: Config,
    private readonly prisma: PrismaService,
  ) {
    this.key = signingKey(config);
  }

  /**
   * Takes the access token with or without its `Bearer ` prefix.
   * @throws AppError UNAUTHORIZED; a database that is away surfaces as it is
   */
  async authenticate(token: string): Promise<SignedIn> {
    return this.authenticateClaims(verifyAccessToken(this.key, token.replace(/^Bearer +/i, '')));
  }

  /**
   * For claims whose signature has been checked. The session and the user are looked up each time: a revoked
   * session or a ban takes effect at once, not when the token runs out.
   * @throws AppError UNAUTHORIZED; a database that is away surfaces as it is
   */
  async authenticateClaims(payload: unknown): Promise<SignedIn> {
    const { sub: userId, sid: sessionId, jti: tokenId, exp } = accessClaims(payload);
    const user = await this.liveUser(userId, sessionId);
    return { userId, sessionId, tokenId, expiresAt: new Date(exp * 1000), ...user };
  }

  /**
   * For somebody who was let in a while ago.
   * @throws AppError UNAUTHORIZED; a database that is away surfaces as it is
   */
  async stillSignedIn(user: SignedIn): Promise<SignedIn> {
    if (user.expiresAt.getTime() <= Date.now()) throw invalidToken();
    return { ...user, ...(await this.liveUser(user.userId, user.sessionId)) };
  }

  private async liveUser(userId: string, sessionId: string): Promise<Pick<User, 'name' | 'role' | 'locale'>> {
    const live = { id: sessionId, revokedAt: null, expiresAt: { gt: new Date() } };
    // From the user's side it is one query; from the session's, Prisma would make two of it.
    const user = await this.prisma.user.findFirst({
      where: { id: userId, bannedAt: null, sessions: { some: live } },
      select: { name: true, role: true, locale: true },
    });
    if (!user) throw invalidToken();
    return user;
  }

  /**
   * Notes that the session holds a socket with this token, and tells how that compares with its last one.
   * Two sockets that open at once are told one after the other: exactly one is the first.
   * @throws AppError UNAUTHORIZED when the session is gone
   */
  async connected({ sessionId, tokenId }: SignedIn): Promise<(typeof SYNC_REASONS)[number]> {
    const [row] = await this.prisma.$queryRaw<{ previous: string | null }[]>`
      WITH before AS (
        SELECT id, connected_token_id FROM sessions WHERE id = ${sessionId}::uuid AND revoked_at IS NULL FOR UPDATE
      )
      UPDATE sessions SET connected_token_id = ${tokenId}::uuid
      FROM before WHERE sessions.id = before.id
      RETURNING before.connected_token_id AS previous`;
    if (!row) throw invalidToken();
    if (row.previous === null) return 'connection_established';
    return row.previous === tokenId ? 'reconnection' : 'token_refresh';
  }
}
