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

/** The storage of jobs: BullMQ on Redis if there is one, otherwise on a schema of the database. */
export class QueueBackend {
  private isClosing = false;
  /** The connections to Redis; for the database, BullMQ has its own pool. */
  private readonly connections: Redis[] = [];

  constructor(
    private readonly config: Config,
    private readonly redis: RedisConnections,
  ) {}

  /** For adding and querying jobs. Both backends have the same methods, but their classes have private members. */
  makeQueue(): Queue {
    if (!this.redis.shared)
      return new backends.postgres.Queue(QUEUE, { connection: this.postgres(2) }) as unknown as Queue;
    // A request made while Redis is unavailable must not run later, when nobody waits for it any more.
    return new backends.redis.Queue(QUEUE, { connection: this.connect({ enableOfflineQueue: false }) });
  }

  /** Starts to work at once. */
  makeWorker(run: Processor, options: Omit<WorkerOptions, 'connection'>): Worker {
    if (!this.redis.shared) {
      const connection = this.postgres(6);
      return new backends.postgres.Worker(QUEUE, run, { ...options, connection }) as unknown as Worker;
    }
    const connection = this.connect();
    // The connection for blocking waits, which is silent for up to 10 s.
    connection.duplicate = () => this.connect({ socketTimeout: 15_000 });
    return new backends.redis.Worker(QUEUE, run, { ...options, connection });
  }

  /** Calls the listener whenever Redis is connected again, perhaps empty. Call it after `makeQueue`. */
  onBack(listener: () => void): void {
    this.connections[0]?.on('ready', listener);
  }

  /** From here on, lost connections are not restored. */
  stopReconnecting(): void {
    this.isClosing = true;
  }

  /** Resolves when no connection is being opened: BullMQ's close would wait for it forever. */
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
