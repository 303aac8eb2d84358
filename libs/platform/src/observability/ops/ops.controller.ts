import { AppError } from '#contracts';
import { Controller, Get, Req, Res, type OnModuleDestroy } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Config } from '../../config/config.js';
import { clientAddress, networkOf } from '../../http/client-address.js';
import { Metrics } from '../metrics.js';
import { Reads } from '../../limits/reads.js';
import { DependencyUnavailable } from '../../concurrency/time-limit.js';
import { Dependencies } from './dependencies.js';

/** Endpoints for the orchestrator and monitoring, on every app, outside of `/api/v2`. */
@Controller()
export class OpsController implements OnModuleDestroy {
  private stopping = false;

  constructor(
    private readonly dependencies: Dependencies,
    private readonly metrics: Metrics,
    private readonly reads: Reads,
    private readonly config: Config,
  ) {}

  onModuleDestroy(): void {
    this.stopping = true;
  }

  /** The process runs. Dependencies are not checked, so an unavailable database does not restart it. */
  @Get(['health', 'health/live'])
  live() {
    return { status: 'ok' };
  }

  /**
   * Reports Redis but does not require it: a process without Redis still does all work that needs only the database,
   * which is most. Otherwise a failing Redis would take out all processes at once.
   * @throws AppError UNAVAILABLE (while the database takes no writes, and when the app is closing)
   */
  @Get('health/ready')
  async ready() {
    if (this.stopping) throw new AppError('UNAVAILABLE', 'The server is stopping');
    if (!(await this.dependencies.databaseTakesWrites()))
      throw new DependencyUnavailable('The database accepts no writes');
    return { status: 'ok', ...this.dependencies.redisState() };
  }

  /** @throws AppError NOT_FOUND (when SERVE_METRICS disables it), RATE_LIMIT */
  @Get('metrics')
  async scrape(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply) {
    if (this.config.SERVE_METRICS !== 'true') throw new AppError('NOT_FOUND', 'No such route');
    await this.reads.wait(networkOf(clientAddress(request)), reply.raw);
    void reply.type(this.metrics.registry.contentType);
    return this.metrics.text();
  }
}
