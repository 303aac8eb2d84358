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
 * `Authorization: Bearer <access token>`, with the same checks as on sockets. Requests are counted by user before the
 * database is asked. Routes without a token have limits of their own.
 */
@Injectable()
export class JwtStrategy extends PassportStrategy(Strategy) implements OnApplicationShutdown {
  /** Passport's registry is the process's: two apps in it must not end up with one's strategy. */
  override readonly name = `jwt-${randomUUID()}`;

  constructor(
    config: Config,
    private readonly authenticator: Authenticator,
    private readonly limits: RateLimits,
  ) {
    super({
      jwtFromRequest: ExtractJwt.fromAuthHeaderAsBearerToken(),
      // Their types know of no key objects, which the verification takes and is faster with.
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
