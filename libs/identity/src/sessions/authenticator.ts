import { SYNC_REASONS, type AppError } from '#contracts';
import { WORK, Batcher, CONNECT_BATCH, Config, Metrics, PgPool, PrismaService, type User } from '#platform';
import { Injectable } from '@nestjs/common';
import type { KeyObject } from 'node:crypto';
import {
  accessClaims,
  invalidToken,
  signingKey,
  verifyAccessToken,
  type AccessClaims,
} from './access-token.js';

type Named = Pick<User, 'name' | 'role' | 'locale'>;

/** The claims of an access token. `expiresAt` is the expiry of the token. */
export interface Claims {
  userId: string;
  sessionId: string;
  tokenId: string;
  expiresAt: Date;
}

/** The user who makes a request or holds a socket. */
export interface SignedIn extends Claims, Named {}

/** The user of a new connection, and how it compares with the session's previous one. */
export interface Connected {
  user: SignedIn;
  reason: (typeof SYNC_REASONS)[number];
}

/** A live session: its user, and the token of its previous connection. */
interface Found extends Named {
  previous: string | null;
}

/** Authenticates REST requests and sockets. */
@Injectable()
export class Authenticator {
  private readonly key: KeyObject;
  /** Batches concurrent connections: many clients that reconnect at once share queries. */
  private readonly connecting = new Batcher<Claims, Found>((sockets) => this.connectedAll(sockets), {
    ...CONNECT_BATCH,
    onRefused: () => this.metrics.refuse(WORK.lookUps),
  });

  constructor(
    config: Config,
    private readonly prisma: PrismaService,
    private readonly pool: PgPool,
    private readonly metrics: Metrics,
  ) {
    this.key = signingKey(config);
  }

  /**
   * Verifies an access token, with or without the `Bearer ` prefix. It does not check the session: `connected` does.
   * @throws AppError UNAUTHORIZED
   */
  verify(token: string): Claims {
    return toClaims(verifyAccessToken(this.key, token.replace(/^Bearer +/i, '')));
  }

  /**
   * Reads the claims of a token whose signature has been verified.
   * @throws AppError UNAUTHORIZED
   */
  claimsOf(payload: unknown): Claims {
    return toClaims(accessClaims(payload));
  }

  /**
   * Checks claims that were verified earlier. The session and the user are looked up each time. So a revoked session or
   * a ban takes effect at once, not when the token expires. Errors of the database pass through unchanged.
   * @throws AppError UNAUTHORIZED
   */
  async stillSignedIn(user: Claims): Promise<SignedIn> {
    if (user.expiresAt.getTime() <= Date.now()) throw invalidToken('token_expired');
    return this.lookedUp(user);
  }

  private async lookedUp(claims: Claims): Promise<SignedIn> {
    const live = { id: claims.sessionId, revokedAt: null, expiresAt: { gt: new Date() } };
    // One query from the user's side; from the session's side, Prisma would send two.
    const user = await this.prisma.user.findFirst({
      where: { id: claims.userId, bannedAt: null, sessions: { some: live } },
      select: { name: true, role: true, locale: true },
    });
    if (!user) throw (await this.refusals([claims]))(claims);
    return { ...claims, ...user };
  }

  /** Finds the reason for each refusal. */
  private async refusals(claims: Claims[]): Promise<(one: Claims) => AppError> {
    const users = await this.prisma.user.findMany({
      where: { id: { in: claims.map(({ userId }) => userId) }, bannedAt: { not: null } },
      select: { id: true },
    });
    const banned = new Set(users.map(({ id }) => id));
    return ({ userId }) => invalidToken(banned.has(userId) ? 'account_banned' : 'session_revoked');
  }

  /**
   * Records that the session has a socket with this token, and compares it with the previous connection. Two sockets
   * that open at once are serialized: exactly one is the first.
   * @throws AppError UNAUTHORIZED (when the session is revoked or expired, or the user is banned)
   */
  async connected(claims: Claims): Promise<Connected> {
    const { previous, ...user } = await this.connecting.add(claims);
    const reason =
      previous === null
        ? 'connection_established'
        : previous === claims.tokenId
          ? 'reconnection'
          : 'token_refresh';
    return { user: { ...claims, ...user }, reason };
  }

  /** In the order of `sockets`. */
  private async connectedAll(sockets: Claims[]): Promise<(Found | AppError)[]> {
    const last = [...new Map(sockets.map((claims) => [keyOf(claims), claims])).values()];
    // One lock order for all processes: another process may be connecting the same sessions.
    const { rows } = await this.pool.query<Found & Pick<Claims, 'sessionId' | 'userId'>>({
      name: 'connected',
      text: `WITH before AS MATERIALIZED (
         SELECT s.id, s.user_id, s.connected_token_id, u.name, u.role, u.locale
         FROM sessions s JOIN users u ON u.id = s.user_id
         WHERE s.id = ANY($1::uuid[]) AND s.revoked_at IS NULL AND s.expires_at > $4 AND u.banned_at IS NULL
         ORDER BY s.id FOR UPDATE OF s
       )
       UPDATE sessions SET connected_token_id = now.token_id
       FROM before
       JOIN unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS now (id, user_id, token_id) USING (id, user_id)
       WHERE sessions.id = before.id
       RETURNING before.id AS "sessionId", before.user_id AS "userId", before.connected_token_id AS previous,
         before.name, before.role, before.locale`,
      values: [
        last.map(({ sessionId }) => sessionId),
        last.map(({ userId }) => userId),
        last.map(({ tokenId }) => tokenId),
        new Date(),
      ],
    });
    const found = new Map(rows.map(({ sessionId, userId, ...row }) => [keyOf({ sessionId, userId }), row]));
    const refused = last.filter((claims) => !found.has(keyOf(claims)));
    const refusal = refused.length > 0 ? await this.refusals(refused) : () => invalidToken();
    return sockets.map((claims) => {
      const before = found.get(keyOf(claims));
      if (!before) return refusal(claims);
      found.set(keyOf(claims), { ...before, previous: claims.tokenId });
      return before;
    });
  }
}

const toClaims = ({ sub, sid, jti, exp }: AccessClaims): Claims => ({
  userId: sub,
  sessionId: sid,
  tokenId: jti,
  expiresAt: new Date(exp * 1000),
});

const keyOf = ({ sessionId, userId }: Pick<Claims, 'sessionId' | 'userId'>) => `${sessionId} ${userId}`;
