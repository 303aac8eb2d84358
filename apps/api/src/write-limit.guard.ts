import { RateLimits, clientAddress, networkOf } from '#platform';
import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { ApiRequest } from './signed-in-user.js';

/** 60 REST writes a second and user, or network of somebody not signed in (contract, "Environment"). */
@Injectable()
export class WriteLimitGuard implements CanActivate {
  constructor(private readonly limits: RateLimits) {}

  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    return context.getType() !== 'http' || this.takeOne(context);
  }

  private async takeOne(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<ApiRequest>();
    const { method, user } = request;
    if (method !== 'GET' && method !== 'HEAD')
      await this.limits.take('restWrite', user?.userId ?? networkOf(clientAddress(request)));
    return true;
  }
}
