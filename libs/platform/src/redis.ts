import { Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { Redis, type RedisOptions } from 'ioredis';
import { setTimeout as sleep } from 'node:timers/promises';
import { Config } from './config.js';
import { logger } from './logging.js';
import { StartError } from './postgres/start-error.js';

/** How long it may take to be reached at the start, ms. */
const REACH_MS = 5000;

/** Redis, where REDIS_URL names one: then several processes are one program. Without it this one is alone. */
@Injectable()
export class RedisConnections implements OnModuleInit, OnApplicationShutdown {
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

  /** @throws StartError when it cannot be reached: later it may go and come */
  async onModuleInit(): Promise<void> {
    if (!this.shared) return;
    const timer = new AbortController();
    const answer = await Promise.race([
      this.shared.ping(),
      sleep(REACH_MS, undefined, { signal: timer.signal }).catch(() => undefined),
    ]);
    timer.abort();
    if (!answer) throw new StartError(`REDIS_URL: cannot connect to ${new URL(this.config.REDIS_URL!).host}`);
  }

  onApplicationShutdown(): void {
    for (const redis of this.open) {
      redis.removeAllListeners('close');
      redis.disconnect();
    }
  }
}
