import { AppError } from '#contracts';
import type { SignedIn } from '#identity';
import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';

/** On a controller of `admin/…`: its routes are for admins only, as the database has them now. */
@Injectable()
export class AdminGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { user } = context.switchToHttp().getRequest<{ user: SignedIn }>();
    if (user.role !== 'admin') throw new AppError('FORBIDDEN', 'Admin role required');
    return true;
  }
}
