import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Redis, type RedisOptions } from 'ioredis';
import { Config } from '../config/config.js';
import { logger } from '../observability/logging.js';
import { StartupError } from '../config/startup-error.js';

/** How long the first connection may take, ms. */
const REACH_MS = 5000;
/**
 * A Redis that does not answer for this time, ms, is stalled, even if the connection is open. Blocking reads take less.
 */
const SILENT_MS = 3000;
/** How long callers that can continue without Redis wait for it, ms. */
export const FAST_TIMEOUT_MS = 1000;

export const retryDelay = (attempt: number) => Math.min(attempt * 100, 1000);

export type ConnectOptions = Pick<
  RedisOptions,
  | 'autoResendUnfulfilledCommands'
  | 'commandTimeout'
  | 'socketTimeout'
  | 'enableOfflineQueue'
  | 'retryStrategy'
>;

/** Redis at REDIS_URL: several processes form a cluster. Without it, this is a single process. */
@Injectable()
export class RedisConnections implements OnApplicationShutdown {
  /** For commands that do not block. */
  readonly shared?: Redis;
  private readonly open: Redis[] = [];

  constructor(private readonly config: Config) {
    if (config.REDIS_URL) this.shared = this.connect('commands');
  }

  /**
   * A separate connection. Commands wait while Redis is unavailable, and are sent when it is connected again, unless
   * `commandTimeout` (ms) limits that.
   */
  connect(purpose: string, options: ConnectOptions = {}): Redis {
    const redis = new Redis(this.config.REDIS_URL!, {
      connectionName: `service-platform:${purpose}`,
      maxRetriesPerRequest: null,
      socketTimeout: SILENT_MS,
      retryStrategy: retryDelay,
      ...options,
    });
    // One line per lost connection, not per attempt to reconnect.
    redis.on('error', (err: Error) => logger.debug({ err: err.message, purpose }, 'redis'));
    let isThere = false;
    redis.on('close', () => {
      if (isThere) logger.warn({ purpose }, 'redis disconnected');
      isThere = false;
    });
    redis.on('ready', () => {
      isThere = true;
      logger.info({ purpose }, 'redis connected');
    });
    this.open.push(redis);
    return redis;
  }

  onApplicationShutdown(): void {
    for (const redis of this.open) {
      redis.removeAllListeners('close');
      // A second call would keep the process alive for two seconds.
      if (redis.status !== 'end') redis.disconnect();
    }
  }
}

/**
 * Waits for a Redis that is still starting, and checks it before it is used.
 * @throws StartupError (when it is not reachable, refuses the login or refuses writes, as a full one or a replica
 *   does). After the start, an unavailable or full Redis is tolerated
 */
export async function reachRedis(url: string): Promise<void> {
  const redis = new Redis(url, {
    commandTimeout: REACH_MS,
    maxRetriesPerRequest: null,
    retryStrategy: () => 200,
  });
  let refusal: string | undefined;
  redis.on('error', (err: NodeJS.ErrnoException) => (refusal = err.code ?? err.message));
  try {
    await redis.ping().catch((err: Error) => {
      throw new StartupError(`REDIS_URL: cannot connect to ${new URL(url).host} (${refusal ?? err.message})`);
    });
    await redis.set('service-platform:start', 1, 'PX', REACH_MS).catch((err: Error) => {
      throw new StartupError(`REDIS_URL: ${new URL(url).host} refuses writes (${err.message})`);
    });
    await warnOfEviction(redis);
  } finally {
    redis.disconnect();
  }
}

/**
 * BullMQ warns too, once per connection. Disabling that would also skip its version check, and make it wait in whole
 * seconds.
 */
async function warnOfEviction(redis: Redis): Promise<void> {
  // A hosted Redis may refuse to show its configuration, but shows this.
  const memory = await redis.info('memory').catch(() => '');
  const policy = /^maxmemory_policy:(\S+)/m.exec(memory)?.[1];
  if (policy && policy !== 'noeviction')
    logger.warn({ policy }, 'redis may evict jobs and presence, set maxmemory-policy to noeviction');
}
