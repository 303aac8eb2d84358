import { refusedToken } from '#identity';
import { Injectable, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { AuthGuard } from '@nestjs/passport';
import { JwtStrategy } from './jwt.strategy.js';
import { PUBLIC } from './public.js';

/** Every route requires a token, except those with `@Public()`. */
@Injectable()
export class JwtGuard extends AuthGuard() {
  constructor(
    private readonly reflector: Reflector,
    strategy: JwtStrategy,
  ) {
    // The name instead of the strategy itself: passport stores the callbacks of a request on the object it gets. It
    // copies the object per request only when it finds it by name.
    super({ defaultStrategy: strategy.name });
  }

  override async canActivate(context: ExecutionContext): Promise<boolean> {
    const isPublic = this.reflector.getAllAndOverride<boolean>(PUBLIC, [
      context.getHandler(),
      context.getClass(),
    ]);
    return isPublic || ((await super.canActivate(context)) as boolean);
  }

  /** An unavailable database is an error; with a bad token, there is only no user. */
  override handleRequest<T>(error: Error | null, user: T | false, why: unknown): T {
    if (error) throw error;
    if (!user) throw refusedToken(why);
    return user;
  }
}
