import { SYNC_REASONS, type AppError } from '#contracts';
import { Batcher, CROWD, Config, PgPool, PrismaService, type User } from '#platform';
import { Injectable } from '@nestjs/common';
import type { KeyObject } from 'node:crypto';
import { accessClaims, invalidToken, signingKey, verifyAccessToken } from './access-token.js';

type Named = Pick<User, 'name' | 'role' | 'locale'>;

/** Who makes a request or holds a socket. `expiresAt` is the access token's. */
export interface SignedIn extends Named {
  userId: string;
  sessionId: string;
  tokenId: string;
  expiresAt: Date;
}

type Connecting = Pick<SignedIn, 'sessionId' | 'tokenId'>;

/** The one way in, for REST and for sockets (contract, "Connecting"). */
@Injectable()
export class Authenticator {
  private readonly key: KeyObject;
  /** Who connects at once: a crowd that comes back shares its queries. */
  private readonly arriving = new Batcher<Pick<SignedIn, 'userId' | 'sessionId'>, Named>(
    (asked) => this.liveUsers(asked),
    CROWD,
  );
  private readonly connecting = new Batcher<Connecting, string | null>(
    (sockets) => this.connectedAll(sockets),
    CROWD,
  );

  constructor(
    config: Config,
    private readonly prisma: PrismaService,
    private readonly pool: PgPool,
  ) {
    this.key = signingKey(config);
  }

  /**
   * Takes the access token with or without its `Bearer ` prefix.
   * @throws AppError UNAUTHORIZED; a database that is away surfaces as it is
   */
  async authenticate(token: string): Promise<SignedIn> {
    const { sub, sid, jti, exp } = verifyAccessToken(this.key, token.replace(/^Bearer +/i, ''));
    const user = await this.arriving.add({ userId: sub, sessionId: sid });
    return { userId: sub, sessionId: sid, tokenId: jti, expiresAt: new Date(exp * 1000), ...user };
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

  /** In their order. */
  private async liveUsers(asked: Pick<SignedIn, 'userId' | 'sessionId'>[]): Promise<(Named | AppError)[]> {
    const [users, sessions] = [asked.map(({ userId }) => userId), asked.map(({ sessionId }) => sessionId)];
    const { rows } = await this.pool.query<Named & { session: string; user: string }>({
      name: 'live-users',
      text: `SELECT s.id AS session, u.id AS user, u.name, u.role, u.locale
       FROM sessions s JOIN users u ON u.id = s.user_id
       WHERE s.id = ANY($1::uuid[]) AND s.user_id = ANY($2::uuid[])
         AND s.revoked_at IS NULL AND s.expires_at > $3 AND u.banned_at IS NULL`,
      values: [sessions, users, new Date()],
    });
    const found = new Map(rows.map(({ session, ...row }) => [session, row]));
    return asked.map(({ userId, sessionId }) => {
      const { user, ...named } = found.get(sessionId) ?? {};
      return user === userId ? (named as Named) : invalidToken();
    });
  }

  private async liveUser(userId: string, sessionId: string): Promise<Named> {
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
    const previous = await this.connecting.add({ sessionId, tokenId });
    if (previous === null) return 'connection_established';
    return previous === tokenId ? 'reconnection' : 'token_refresh';
  }

  /** In their order: the token with which each one's session was connected last. */
  private async connectedAll(sockets: Connecting[]): Promise<(string | null | AppError)[]> {
    const last = new Map(sockets.map(({ sessionId, tokenId }) => [sessionId, tokenId]));
    // Locked in one order: another process may be connecting the same sessions.
    const { rows } = await this.pool.query<{ id: string; previous: string | null }>({
      name: 'connected',
      text: `WITH before AS MATERIALIZED (
         SELECT id, connected_token_id FROM sessions
         WHERE id = ANY($1::uuid[]) AND revoked_at IS NULL ORDER BY id FOR UPDATE
       )
       UPDATE sessions SET connected_token_id = now.token_id
       FROM before JOIN unnest($1::uuid[], $2::uuid[]) AS now (id, token_id) ON now.id = before.id
       WHERE sessions.id = before.id
       RETURNING sessions.id, before.connected_token_id AS previous`,
      values: [[...last.keys()], [...last.values()]],
    });
    const previous = new Map(rows.map((row) => [row.id, row.previous]));
    return sockets.map(({ sessionId, tokenId }) => {
      const before = previous.get(sessionId);
      if (before === undefined) return invalidToken();
      previous.set(sessionId, tokenId);
      return before;
    });
  }
}
