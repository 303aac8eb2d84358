import { Global, Module, type DynamicModule } from '@nestjs/common';
import { Config } from './config.js';
import { RealtimeEmitter } from './emitter.js';
import { Metrics } from './metrics.js';
import { PgPool, PrismaService } from './prisma/prisma.service.js';
import { Queues } from './queues.js';
import { RateLimits } from './rate-limits.js';

@Global()
@Module({})
export class PlatformModule {
  static forRoot(config: Config): DynamicModule {
    const services = [PgPool, PrismaService, RealtimeEmitter, Metrics, Queues, RateLimits];
    return {
      module: PlatformModule,
      providers: [{ provide: Config, useValue: config }, ...services],
      exports: [Config, ...services],
    };
  }
}
