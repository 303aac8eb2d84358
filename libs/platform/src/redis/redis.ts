import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Redis, type RedisOptions } from 'ioredis';
import { Config } from '../config/config.js';
import { logger } from '../observability/logging.js';
import { StartupError } from '../config/startup-error.js';

/** How long it may take to be reached at the start, ms. */
const REACH_MS = 5000;
/** A Redis that does not answer for so long, ms, is away, also if nothing says so. Blocking reads take less. */
const SILENT_MS = 3000;
/** How long it is waited for when there is something to do without it, ms. */
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
  connect(purpose: string, options: ConnectOptions = {}): Redis {
    const redis = new Redis(this.config.REDIS_URL!, {
      connectionName: `service-platform:${purpose}`,
      maxRetriesPerRequest: null,
      socketTimeout: SILENT_MS,
      retryStrategy: retryDelay,
      ...options,
    });
    // One line for each time that it goes, not for each attempt to reach it.
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
      // A second time it would keep the process for two seconds.
      if (redis.status !== 'end') redis.disconnect();
    }
  }
}

/**
 * Waits for a Redis that is still starting, and looks at it before anything else does.
 * @throws StartError when it cannot be reached, does not let us in or takes nothing, as a full one or a replica: later it
 * may go and come, and be full
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

/** BullMQ says so, too, once a connection: asked not to, it would not ask for the version either, and wait in whole seconds. */
async function warnOfEviction(redis: Redis): Promise<void> {
  // A hosted Redis may refuse its configuration, but tells this.
  const memory = await redis.info('memory').catch(() => '');
  const policy = /^maxmemory_policy:(\S+)/m.exec(memory)?.[1];
  if (policy && policy !== 'noeviction')
    logger.warn({ policy }, 'redis may evict jobs and presence, set maxmemory-policy to noeviction');
}
