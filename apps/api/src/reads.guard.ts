import { Reads } from '#platform';
import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { isRead, type ApiRequest } from './signed-in-user.js';

/** Lets a few reads of a user in at a time. */
@Injectable()
export class ReadsGuard implements CanActivate {
  constructor(private readonly reads: Reads) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (context.getType() !== 'http') return true;
    const http = context.switchToHttp();
    const { method, user } = http.getRequest<ApiRequest>();
    if (user && isRead(method)) await this.reads.wait(user.userId, http.getResponse<FastifyReply>().raw);
    return true;
  }
}
