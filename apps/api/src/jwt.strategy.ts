import { ACCESS_TOKEN, Authenticator, signingKey, type SignedIn } from '#identity';
import { Config } from '#platform';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import { randomUUID } from 'node:crypto';
import passport from 'passport';
import { ExtractJwt, Strategy } from 'passport-jwt';

/** `Authorization: Bearer <access token>`, with the same checks as on sockets. */
@Injectable()
export class JwtStrategy extends PassportStrategy(Strategy) implements OnApplicationShutdown {
  /** Passport's registry is the process's: two apps in it must not end up with one's strategy. */
  override readonly name = `jwt-${randomUUID()}`;

  constructor(
    config: Config,
    private readonly authenticator: Authenticator,
  ) {
    super({
      jwtFromRequest: ExtractJwt.fromAuthHeaderAsBearerToken(),
      // Their types know of no key objects, which the verification takes and is faster with.
      secretOrKey: signingKey(config) as unknown as Buffer,
      ...ACCESS_TOKEN,
    });
    passport.use(this.name, this);
  }

  onApplicationShutdown(): void {
    passport.unuse(this.name);
  }

  validate(claims: unknown): Promise<SignedIn> {
    return this.authenticator.authenticateClaims(claims);
  }
}
