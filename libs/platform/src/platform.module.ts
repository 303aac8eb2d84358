import { Global, Module, type DynamicModule } from '@nestjs/common';
import { APP_PIPE } from '@nestjs/core';
import { CqrsModule } from '@nestjs/cqrs';
import { SharedClock } from './clock.js';
import { Config } from './config.js';
import { RealtimeEmitter } from './emitter.js';
import { Unfinished } from './http/unfinished.js';
import { Unread } from './http/unread.js';
import { Metrics } from './metrics.js';
import { NodeRegistry } from './node-registry.js';
import { PgPool, PrismaService, SearchPool, SendPool } from './prisma/prisma.service.js';
import { Queues } from './queues.js';
import { RateLimits } from './rate-limits.js';
import { RedisConnections } from './redis.js';
import { LargePages } from './large-pages.js';
import { Reads } from './reads.js';
import { Searches } from './searches.js';
import { ValidationPipe } from './validation.pipe.js';
import { UserWrites } from './user-writes.js';

@Global()
@Module({})
export class PlatformModule {
  static forRoot(config: Config): DynamicModule {
    const services = [
      PgPool,
      SearchPool,
      SendPool,
      PrismaService,
      RealtimeEmitter,
      RedisConnections,
      SharedClock,
      Metrics,
      NodeRegistry,
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
