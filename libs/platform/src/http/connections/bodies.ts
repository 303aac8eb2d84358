import { Injectable } from '@nestjs/common';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { BEFORE_SIGN_IN } from '../../limits/budgets/index.js';
import { parsedSize } from '../../validation/json-size.js';
import { Metrics } from '../../observability/metrics.js';
import { unavailable } from '../../concurrency/time-limit.js';

/** Bounds the memory of request bodies that are being processed. Until they have arrived, `Unfinished` bounds them. */
@Injectable()
export class Bodies {
  private readonly sizes = new Map<FastifyRequest, number>();
  private size = 0;

  constructor(private readonly metrics: Metrics) {}

  /** The hook also runs for a request whose client has disconnected: then its body is free. */
  watch(fastify: FastifyInstance): void {
    fastify.addHook('onSend', (request, _reply, payload, done) => {
      this.size -= this.sizes.get(request) ?? 0;
      this.sizes.delete(request);
      done(null, payload);
    });
  }

  /**
   * Called before a body is parsed: of hundreds that arrive at once, each is parsed before any is answered.
   * @throws AppError INVALID_DATA (when it has too many values), UNAVAILABLE
   */
  take(request: FastifyRequest, json: string): void {
    const size = parsedSize(json);
    if (this.size + size > BEFORE_SIGN_IN.bodies.most) {
      this.metrics.refuse(BEFORE_SIGN_IN.bodies);
      throw unavailable('Too many requests at once, try again');
    }
    this.sizes.set(request, size);
    this.size += size;
  }
}
