import { RateLimits } from '#platform';
import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { ApiRequest } from './signed-in-user.js';

/** 60 REST writes a second and user, or address of somebody not signed in (contract, "Environment"). */
@Injectable()
export class WriteLimitGuard implements CanActivate {
  constructor(private readonly limits: RateLimits) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (context.getType() !== 'http') return true;
    const { method, user, ip } = context.switchToHttp().getRequest<ApiRequest>();
    if (method !== 'GET' && method !== 'HEAD') await this.limits.take('restWrite', user?.userId ?? ip);
    return true;
  }
}
