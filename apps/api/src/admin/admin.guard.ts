import { AppError } from '#contracts';
import type { SignedIn } from '#identity';
import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';

/** For controllers of `admin/…`: requires the admin role. The role is read from the database on each request. */
@Injectable()
export class AdminGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { user } = context.switchToHttp().getRequest<{ user: SignedIn }>();
    if (user.role !== 'admin') throw new AppError('FORBIDDEN', 'Admin role required');
    return true;
  }
}
