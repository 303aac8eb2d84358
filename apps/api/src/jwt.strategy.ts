import { ACCESS_TOKEN, Authenticator, signingKey, type SignedIn } from '#identity';
import { Config } from '#platform';
import { Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import { ExtractJwt, Strategy } from 'passport-jwt';

/** `Authorization: Bearer <access token>`, with the same checks as on sockets. */
@Injectable()
export class JwtStrategy extends PassportStrategy(Strategy) {
  constructor(
    config: Config,
    private readonly authenticator: Authenticator,
  ) {
    super({
      jwtFromRequest: ExtractJwt.fromAuthHeaderAsBearerToken(),
      secretOrKey: signingKey(config),
      ...ACCESS_TOKEN,
    });
  }

  validate(claims: unknown): Promise<SignedIn> {
    return this.authenticator.authenticateClaims(claims);
  }
}
