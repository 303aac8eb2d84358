import type { FastifyInstance, FastifyRequest } from 'fastify';
import { logger } from '../observability/logging.js';

/** Probes and scrapes come every few seconds. */
const ROUTINE = /^\/(health|metrics)(\/|$)/;

/**
 * One line a request, when it is answered; the answer carries its id. Neither
 * bodies nor addresses are logged: they hold what people wrote and searched for.
 */
export function logRequests(fastify: FastifyInstance): void {
  fastify.addHook('onRequest', (request, reply, done) => {
    void reply.header('X-Request-Id', request.id);
    done();
  });
  fastify.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url;
    const level = route && ROUTINE.test(route) ? 'debug' : 'info';
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
