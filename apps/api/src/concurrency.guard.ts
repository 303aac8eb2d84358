import { Reads, UserWrites } from '#platform';
import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { isRead, type ApiRequest } from './signed-in-user.js';

/** Lets a few requests of a user in at a time, in the order they came. */
@Injectable()
export class ConcurrencyGuard implements CanActivate {
  constructor(
    private readonly reads: Reads,
    private readonly writes: UserWrites,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (context.getType() !== 'http') return true;
    const http = context.switchToHttp();
    const { method, user } = http.getRequest<ApiRequest>();
    if (!user) return true;
    const { raw: answer } = http.getResponse<FastifyReply>();
    if (isRead(method)) await this.reads.wait(user.userId, answer);
    else
      await new Promise<void>((resolve, reject) => {
        const untilAnswered = () => {
          resolve();
          // A client that has gone is answered all the same: a write that was begun is done.
          return answer.destroyed
            ? Promise.resolve()
            : new Promise<void>((done) => answer.once('close', done));
        };
        this.writes.run(user.userId, untilAnswered).catch(reject);
      });
    return true;
  }
}
