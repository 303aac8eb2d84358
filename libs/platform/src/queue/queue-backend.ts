import {
  createPostgresBackend,
  createRedisBackend,
  withBackend,
  type Processor,
  type Queue,
  type Worker,
  type WorkerOptions,
} from 'bullmq';
import type { Redis } from 'ioredis';
import type { Config } from '../config/config.js';
import { retryDelay, type ConnectOptions, type RedisConnections } from '../redis/redis.js';

const backends = { redis: withBackend(createRedisBackend), postgres: withBackend(createPostgresBackend) };
const QUEUE = 'jobs';

/** Where jobs are kept: BullMQ's queue on Redis if there is one, else in a schema of the database. */
export class QueueBackend {
  private isClosing = false;
  /** Those to Redis, BullMQ's own pool being the database's. */
  private readonly connections: Redis[] = [];

  constructor(
    private readonly config: Config,
    private readonly redis: RedisConnections,
  ) {}

  /** To add jobs and to ask for them. */
  makeQueue(): Queue {
    if (!this.redis.shared)
      return new backends.postgres.Queue(QUEUE, { connection: this.postgres(2) }) as unknown as Queue;
    // What is asked while Redis is away must not be done when nobody waits for it any more.
    return new backends.redis.Queue(QUEUE, { connection: this.connect({ enableOfflineQueue: false }) });
  }

  /** Begins to work at once. */
  makeWorker(run: Processor, options: Omit<WorkerOptions, 'connection'>): Worker {
    if (!this.redis.shared) {
      const connection = this.postgres(6);
      return new backends.postgres.Worker(QUEUE, run, { ...options, connection }) as unknown as Worker;
    }
    const connection = this.connect();
    // For waiting, in which it is silent for up to 10 s.
    connection.duplicate = () => this.connect({ socketTimeout: 15_000 });
    return new backends.redis.Worker(QUEUE, run, { ...options, connection });
  }

  /** Calls the listener each time that Redis is there again, perhaps empty. Once there is a queue. */
  onBack(listener: () => void): void {
    this.connections[0]?.on('ready', listener);
  }

  /** From here on a lost connection is not made anew. */
  stopReconnecting(): void {
    this.isClosing = true;
  }

  /** Resolves when no connection is being made: BullMQ's close would wait for it without end. */
  async settled(): Promise<void> {
    await Promise.all(this.connections.map(madeOrEnded));
  }

  private connect(options: ConnectOptions = {}): Redis {
    const retryStrategy = (attempt: number) => (this.isClosing ? null : retryDelay(attempt));
    const connection = this.redis.connect('jobs', { ...options, retryStrategy });
    this.connections.push(connection);
    return connection;
  }

  private postgres(max: number) {
    return {
      connectionString: this.config.DATABASE_URL,
      schema: 'bullmq',
      migrate: true,
      max,
      connectionTimeoutMillis: 3000,
      query_timeout: 8000,
    };
  }
}

async function madeOrEnded(redis: Redis): Promise<void> {
  if (redis.status === 'ready' || redis.status === 'end') return;
  await new Promise<void>((resolve) => redis.once('ready', () => resolve()).once('end', () => resolve()));
}
