import { AppError, type ErrorReason } from '#contracts';
import { StartupError, type Config } from '#platform';
import jwt, { type JwtPayload } from 'jsonwebtoken';
import { createSecretKey, type KeyObject } from 'node:crypto';
import { v4, validate as isUuid } from 'uuid';

const LIFETIME_SECONDS = 15 * 60;

/** What an access token must be, in the names that both jsonwebtoken and passport-jwt use. */
export const ACCESS_TOKEN = {
  algorithms: ['HS256' as const],
  issuer: 'service-platform',
  audience: 'service-platform',
};

/** `sub` is the user, `sid` the session, `jti` this very token. */
export interface AccessClaims {
  sub: string;
  sid: string;
  jti: string;
  typ: 'access';
  exp: number;
}

/** The clients of the documents refresh at these words; `reason` says what was wrong. */
export const invalidToken = (reason: ErrorReason = 'token_invalid') =>
  new AppError('UNAUTHORIZED', 'Invalid token', { reason });

/** @param error of jsonwebtoken, which passport hands on, too */
export const refusedToken = (error: unknown) =>
  invalidToken((error as Error | undefined)?.name === 'TokenExpiredError' ? 'token_expired' : undefined);

/** For devices that are connected. */
export const sessionRevoked = () =>
  new AppError('UNAUTHORIZED', 'Session revoked', { reason: 'session_revoked' });

export const accountBanned = () =>
  new AppError('UNAUTHORIZED', 'This account is banned', { reason: 'account_banned' });

/**
 * As an object: of a mere string each verification would first try to make a public key, which takes longer than the rest.
 * @throws StartError when the signing key is neither set nor was made
 */
export function signingKey(config: Config): KeyObject {
  if (!config.JWT_SECRET) throw new StartupError('JWT_SECRET: is needed to sign tokens');
  return createSecretKey(config.JWT_SECRET, 'utf8');
}

/** A token for one session of one user: of 15 minutes, or until the time given, in whole seconds. */
export function issueAccessToken(key: KeyObject | string, userId: string, sessionId: string, until?: Date) {
  const end = until?.getTime() ?? Date.now() + LIFETIME_SECONDS * 1000;
  const expiresAt = new Date(Math.floor(end / 1000) * 1000);
  const token = jwt.sign({ sid: sessionId, typ: 'access', exp: expiresAt.getTime() / 1000 }, key, {
    algorithm: ACCESS_TOKEN.algorithms[0],
    issuer: ACCESS_TOKEN.issuer,
    audience: ACCESS_TOKEN.audience,
    subject: userId,
    jwtid: v4(),
  });
  return { token, expiresAt };
}

/** @throws AppError UNAUTHORIZED for anything that `issueAccessToken` did not make with this key, and when it is over */
export function verifyAccessToken(key: KeyObject, token: string): AccessClaims {
  let payload: JwtPayload | string;
  try {
    payload = jwt.verify(token, key, ACCESS_TOKEN);
  } catch (error) {
    throw refusedToken(error);
  }
  return accessClaims(payload);
}

/**
 * What a good signature does not tell: that it is an access token, and whose.
 * @throws AppError UNAUTHORIZED
 */
export function accessClaims(payload: unknown): AccessClaims {
  const claims = payload as Partial<AccessClaims>;
  const isAccess = claims.typ === 'access' && typeof claims.exp === 'number';
  if (!isAccess || ![claims.sub, claims.sid, claims.jti].every((id) => isUuid(id))) throw invalidToken();
  return claims as AccessClaims;
}
