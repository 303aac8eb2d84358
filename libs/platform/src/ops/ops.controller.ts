import { AppError } from '#contracts';
import { Controller, Get, Res, type OnModuleDestroy } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { setTimeout as sleep } from 'node:timers/promises';
import { Public } from '../http/public.js';
import { logger } from '../logging.js';
import { Metrics } from '../metrics.js';
import { PgPool } from '../prisma/prisma.service.js';

/** A database that takes longer than this, in ms, does not serve requests either. */
const READY_WITHIN = 2000;

/** For the orchestrator and the monitoring, on every app (contract, "REST", outside `/api/v2`). */
@Public()
@Controller()
export class OpsController implements OnModuleDestroy {
  private stopping = false;

  constructor(
    private readonly pool: PgPool,
    private readonly metrics: Metrics,
  ) {}

  onModuleDestroy(): void {
    this.stopping = true;
  }

  /** The process runs; nothing else is asked, so that a database away does not restart it. */
  @Get('health/live')
  live() {
    return { status: 'ok' };
  }

  /** @throws AppError UNAVAILABLE while the database does not answer, and once the app is closing */
  @Get('health/ready')
  async ready() {
    if (this.stopping) throw new AppError('UNAVAILABLE', 'The server is stopping');
    const giveUp = new AbortController();
    try {
      await Promise.race([
        this.pool.query('SELECT 1'),
        sleep(READY_WITHIN, undefined, { signal: giveUp.signal }).then(() => {
          throw new Error(`no answer within ${READY_WITHIN} ms`);
        }),
      ]);
      return { status: 'ok' };
    } catch (error) {
      logger.warn({ err: (error as Error).message }, 'not ready');
      throw new AppError('UNAVAILABLE', 'The database does not answer');
    } finally {
      giveUp.abort();
    }
  }

  @Get('metrics')
  async scrape(@Res({ passthrough: true }) reply: FastifyReply) {
    void reply.type(this.metrics.registry.contentType);
    return this.metrics.registry.metrics();
  }
}
