import { AppError, type ErrorReason } from '#contracts';
import { StartupError, type Config } from '#platform';
import jwt, { type JwtPayload } from 'jsonwebtoken';
import { createSecretKey, type KeyObject } from 'node:crypto';
import { v4, validate as isUuid } from 'uuid';

const LIFETIME_SECONDS = 15 * 60;

/** Requirements of an access token, under the names that both jsonwebtoken and passport-jwt use. */
export const ACCESS_TOKEN = {
  algorithms: ['HS256' as const],
  issuer: 'service-platform',
  audience: 'service-platform',
};

/** `sub` is the user, `sid` the session, `jti` the token itself. */
export interface AccessClaims {
  sub: string;
  sid: string;
  jti: string;
  typ: 'access';
  exp: number;
}

/** Older clients refresh their tokens when they read this message; `reason` has the cause. */
export const invalidToken = (reason: ErrorReason = 'token_invalid') =>
  new AppError('UNAUTHORIZED', 'Invalid token', { reason });

/** @param error of jsonwebtoken; passport passes it on */
export const refusedToken = (error: unknown) =>
  invalidToken((error as Error | undefined)?.name === 'TokenExpiredError' ? 'token_expired' : undefined);

/** For connected devices. */
export const sessionRevoked = () =>
  new AppError('UNAUTHORIZED', 'Session revoked', { reason: 'session_revoked' });

export const accountBanned = () =>
  new AppError('UNAUTHORIZED', 'This account is banned', { reason: 'account_banned' });

/**
 * A KeyObject: from a string, each verification would first try to parse a public key, which takes longer than the
 * rest.
 * @throws StartupError (when no signing key is set and none was generated)
 */
export function signingKey(config: Config): KeyObject {
  if (!config.JWT_SECRET) throw new StartupError('JWT_SECRET: required to sign tokens');
  return createSecretKey(config.JWT_SECRET, 'utf8');
}

/** A token for one session of one user. It expires after 15 minutes, or at the given time, in whole seconds. */
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

/** @throws AppError UNAUTHORIZED (when `issueAccessToken` did not create the token with this key, or it has expired) */
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
 * Checks the payload of a token with a valid signature: it must be an access token and name its user.
 * @throws AppError UNAUTHORIZED
 */
export function accessClaims(payload: unknown): AccessClaims {
  const claims = payload as Partial<AccessClaims>;
  const isAccess = claims.typ === 'access' && typeof claims.exp === 'number';
  if (!isAccess || ![claims.sub, claims.sid, claims.jti].every((id) => isUuid(id))) throw invalidToken();
  return claims as AccessClaims;
}
