import { ACCESS_TOKEN, Authenticator, signingKey, type SignedIn } from '#identity';
import { Config, RateLimits } from '#platform';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import type { FastifyRequest } from 'fastify';
import { randomUUID } from 'node:crypto';
import passport from 'passport';
import { ExtractJwt, Strategy } from 'passport-jwt';
import { isRead } from './signed-in-user.js';

/**
 * `Authorization: Bearer <access token>`, with the same checks as for sockets. Rate limits per user apply before the
 * database is queried. Public routes have their own limits.
 */
@Injectable()
export class JwtStrategy extends PassportStrategy(Strategy) implements OnApplicationShutdown {
  /** Passport's registry is global: two apps in one process must not share a strategy. */
  override readonly name = `jwt-${randomUUID()}`;

  constructor(
    config: Config,
    private readonly authenticator: Authenticator,
    private readonly limits: RateLimits,
  ) {
    super({
      jwtFromRequest: ExtractJwt.fromAuthHeaderAsBearerToken(),
      // Passport's types lack key objects, which the verification accepts and handles faster.
      secretOrKey: signingKey(config) as unknown as Buffer,
      passReqToCallback: true,
      ...ACCESS_TOKEN,
    });
    passport.use(this.name, this);
  }

  onApplicationShutdown(): void {
    passport.unuse(this.name);
  }

  async validate({ method }: FastifyRequest, payload: unknown): Promise<SignedIn> {
    const claims = this.authenticator.claimsOf(payload);
    await this.limits.take(isRead(method) ? 'read' : 'restWrite', claims.userId);
    return this.authenticator.stillSignedIn(claims);
  }
}
