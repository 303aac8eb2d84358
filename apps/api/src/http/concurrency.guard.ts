import { Reads, UserWrites } from '#platform';
import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { isRead, type ApiRequest } from './signed-in-user.js';

/** Limits the concurrent requests per user. Further requests wait in the order of arrival. */
@Injectable()
export class ConcurrencyGuard implements CanActivate {
  constructor(
    private readonly reads: Reads,
    private readonly writes: UserWrites,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const http = context.switchToHttp();
    const { method, user } = http.getRequest<ApiRequest>();
    if (!user) return true;
    const { raw: answer } = http.getResponse<FastifyReply>();
    if (isRead(method)) await this.reads.wait(user.userId, answer);
    else
      await new Promise<void>((resolve, reject) => {
        const untilAnswered = () => {
          resolve();
          // A request of a disconnected client is still answered, since a write that has begun is completed.
          return answer.destroyed
            ? Promise.resolve()
            : new Promise<void>((done) => answer.once('close', done));
        };
        this.writes.run(user.userId, untilAnswered).catch(reject);
      });
    return true;
  }
}
