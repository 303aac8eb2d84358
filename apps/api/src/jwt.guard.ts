import { refusedToken } from '#identity';
import { PUBLIC } from '#platform';
import { Injectable, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { AuthGuard } from '@nestjs/passport';
import { JwtStrategy } from './jwt.strategy.js';

/** Every route needs a token, but for those that say `@Public()`. */
@Injectable()
export class JwtGuard extends AuthGuard() {
  constructor(
    private readonly reflector: Reflector,
    strategy: JwtStrategy,
  ) {
    // Its name and not the strategy itself: passport keeps a request's callbacks on what it is given, and makes a
    // copy for each request only of what it finds by name.
    super({ defaultStrategy: strategy.name });
  }

  override canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    // Global guards reach gateways too, whose sockets have signed in with their handshake.
    return context.getType() !== 'http' || this.checkRequest(context);
  }

  private async checkRequest(context: ExecutionContext): Promise<boolean> {
    const isPublic = this.reflector.getAllAndOverride<boolean>(PUBLIC, [
      context.getHandler(),
      context.getClass(),
    ]);
    return isPublic || ((await super.canActivate(context)) as boolean);
  }

  /** A database that is away is an error; a bad token is only the absence of a user. */
  override handleRequest<T>(error: Error | null, user: T | false, why: unknown): T {
    if (error) throw error;
    if (!user) throw refusedToken(why);
    return user;
  }
}
