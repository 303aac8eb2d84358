import { Global, Module, type DynamicModule } from '@nestjs/common';
import { APP_PIPE } from '@nestjs/core';
import { CqrsModule } from '@nestjs/cqrs';
import { SharedClock } from './redis/clock.js';
import { Config } from './config/config.js';
import { Unfinished } from './http/connections/unfinished.js';
import { Unread } from './http/connections/unread.js';
import { Metrics } from './observability/metrics.js';
import { PgPool, PrismaService, SearchPool, SendPool, ViewPool } from './prisma/prisma.service.js';
import { Queues } from './queue/queues.js';
import { RateLimits } from './limits/rate-limits.js';
import { RedisConnections } from './redis/redis.js';
import { LargePages } from './limits/large-pages.js';
import { Reads } from './limits/reads.js';
import { Searches } from './limits/searches.js';
import { ValidationPipe } from './validation/validation.js';
import { UserWrites } from './limits/user-writes.js';

@Global()
@Module({})
export class PlatformModule {
  static forRoot(config: Config): DynamicModule {
    const services = [
      PgPool,
      SearchPool,
      SendPool,
      ViewPool,
      PrismaService,
      RedisConnections,
      SharedClock,
      Metrics,
      Queues,
      RateLimits,
      LargePages,
      Reads,
      Searches,
      Unfinished,
      Unread,
      UserWrites,
    ];
    return {
      module: PlatformModule,
      imports: [CqrsModule.forRoot()],
      providers: [
        { provide: Config, useValue: config },
        { provide: APP_PIPE, useClass: ValidationPipe },
        ...services,
      ],
      exports: [Config, ...services],
    };
  }
}
