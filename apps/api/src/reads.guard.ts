import { Metrics, Turns, unavailable } from '#platform';
import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { once } from 'node:events';
import { isRead, type ApiRequest } from './signed-in-user.js';

/** Reads of one user, of which each process has so many. */
const OF_ONE = { atOnce: 8, waiting: 200 };

/** However many reads a user sends at once, a few of them are answered at a time, until the client has the answer. */
@Injectable()
export class ReadsGuard implements CanActivate {
  private readonly turns: Turns;

  constructor(metrics: Metrics) {
    this.turns = new Turns(OF_ONE, () => metrics.refused.inc({ budget: 'reads at once' }));
  }

  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    if (context.getType() !== 'http') return true;
    const http = context.switchToHttp();
    const { method, user } = http.getRequest<ApiRequest>();
    return !user || !isRead(method) || this.inTurn(user.userId, http.getResponse<FastifyReply>());
  }

  private inTurn(userId: string, { raw }: FastifyReply): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const answer = async () => {
        if (raw.destroyed) throw unavailable('The client is gone');
        resolve(true);
        await once(raw, 'close');
      };
      this.turns.run(userId, answer).catch(reject);
    });
  }
}
