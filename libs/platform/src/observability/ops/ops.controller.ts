import { AppError } from '#contracts';
import { Controller, Get, Req, Res, type OnModuleDestroy } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Config } from '../../config/config.js';
import { clientAddress, networkOf } from '../../http/client-address.js';
import { Public } from '../../http/public.js';
import { Metrics } from '../metrics.js';
import { Reads } from '../../limits/reads.js';
import { unavailable } from '../../concurrency/time-limit.js';
import { Dependencies } from './dependencies.js';

/** For the orchestrator and the monitoring, on every app (contract, "REST", outside `/api/v2`). */
@Public()
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

  /** The process runs; nothing else is asked, so that a database away does not restart it. */
  @Get(['health', 'health/live'])
  live() {
    return { status: 'ok' };
  }

  /**
   * Without Redis a process still does what needs the database alone, which is most of it: all processes would else be
   * taken out at once. It is only said.
   * @throws AppError UNAVAILABLE while the database takes no writes, and once the app is closing
   */
  @Get('health/ready')
  async ready() {
    if (this.stopping) throw new AppError('UNAVAILABLE', 'The server is stopping');
    if (!(await this.dependencies.databaseTakesWrites())) throw unavailable('The database takes no writes');
    return { status: 'ok', ...this.dependencies.redisState() };
  }

  /** @throws AppError NOT_FOUND when SERVE_METRICS says so, RATE_LIMIT */
  @Get('metrics')
  async scrape(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply) {
    if (this.config.SERVE_METRICS !== 'true') throw new AppError('NOT_FOUND', 'No such route');
    await this.reads.wait(networkOf(clientAddress(request)), reply.raw);
    void reply.type(this.metrics.registry.contentType);
    return this.metrics.registry.metrics();
  }
}
