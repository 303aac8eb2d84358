import { ERROR_STATUS } from '#contracts';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { logger } from '../observability/logging.js';

/** Probes and scrapes come every few seconds. */
const ROUTINE = /^\/(health|metrics)(\/|$)/;
/** Refusals by a limit. Metrics count them, and a flood would fill the log. */
const REFUSED = [ERROR_STATUS.RATE_LIMIT, ERROR_STATUS.UNAVAILABLE] as number[];

/**
 * Logs one line per answered request, unless a limit refused it; the answer carries the request id. Bodies and addresses are not logged, since
 * they contain private texts and searches.
 */
export function logRequests(fastify: FastifyInstance): void {
  fastify.addHook('onRequest', (request, reply, done) => {
    void reply.header('X-Request-Id', request.id);
    done();
  });
  fastify.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url;
    const isRoutine = REFUSED.includes(reply.statusCode) || (route && ROUTINE.test(route));
    const level = isRoutine ? 'debug' : 'info';
    const { user } = request as FastifyRequest & { user?: { userId: string } };
    logger[level](
      {
        request_id: request.id,
        method: request.method,
        route: route ?? null,
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime),
        user_id: user?.userId,
      },
      'request',
    );
    done();
  });
}
