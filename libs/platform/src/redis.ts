import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Redis, type RedisOptions } from 'ioredis';
import { Config } from './config.js';
import { logger } from './logging.js';

/** Redis, where REDIS_URL names one: then several processes are one program. Without it this one is alone. */
@Injectable()
export class RedisConnections implements OnApplicationShutdown {
  /** For commands that do not block. */
  readonly shared?: Redis;
  private readonly open: Redis[] = [];

  constructor(private readonly config: Config) {
    if (config.REDIS_URL) this.shared = this.connect('commands');
  }

  /**
   * A connection of one's own. Commands wait while Redis is away, and are sent when it is back, unless they may only
   * take so long (`commandTimeout`, ms).
   */
  connect(purpose: string, options: Pick<RedisOptions, 'commandTimeout'> = {}): Redis {
    const redis = new Redis(this.config.REDIS_URL!, {
      connectionName: `service-platform:${purpose}`,
      maxRetriesPerRequest: null,
      retryStrategy: (attempt) => Math.min(attempt * 100, 1000),
      ...options,
    });
    // One line for each time that it goes, not for each attempt to reach it.
    redis.on('error', (err: Error) => logger.debug({ err: err.message, purpose }, 'redis'));
    redis.on('close', () => logger.warn({ purpose }, 'redis is away'));
    redis.on('ready', () => logger.info({ purpose }, 'redis is there'));
    this.open.push(redis);
    return redis;
  }

  onApplicationShutdown(): void {
    for (const redis of this.open) {
      redis.removeAllListeners('close');
      redis.disconnect();
    }
  }
}
