import type { JobName, Jobs } from '#contracts';
import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { createPostgresBackend, withBackend, type Queue, type Worker } from 'bullmq';
import { Config } from './config.js';
import { logger } from './logging.js';

/** What to do for each job: a job without its processor does not compile. */
export type Processors = { [N in JobName]: (data: Jobs[N]) => Promise<void> };

const postgres = withBackend(createPostgresBackend);
const QUEUE = 'jobs';

/** BullMQ on its PostgreSQL backend, in a database schema of its own. */
@Injectable()
export class Queues implements OnModuleDestroy {
  private queue?: Queue;
  private worker?: Worker;
  /** From here on a lost connection is what was asked for. */
  private closing = false;

  constructor(private readonly config: Config) {}

  /** Starts working. Finished jobs are kept for a day, failed ones for a week, never for ever. */
  async work(
    processors: Processors,
    schedules: Partial<Record<JobName, { pattern: string }>>,
  ): Promise<void> {
    const connection = {
      connectionString: this.config.DATABASE_URL,
      schema: 'bullmq',
      migrate: true,
      max: 4,
    };
    const queue = new postgres.Queue(QUEUE, { connection });
    this.queue = queue as unknown as Queue;
    const complain = (err: Error) => this.closing || logger.warn({ err: err.message }, 'queue unavailable');
    queue.on('error', complain);
    await queue.waitUntilReady();
    for (const [name, repeat] of Object.entries(schedules)) {
      await queue.upsertJobScheduler(name, repeat, {
        name,
        opts: { attempts: 5, backoff: { type: 'exponential', delay: 1000 } },
      });
    }
    const worker = new postgres.Worker(
      QUEUE,
      async (job) => processors[job.name as JobName]((job.data ?? {}) as never),
      {
        connection,
        removeOnComplete: { age: 24 * 3600, count: 1000 },
        removeOnFail: { age: 7 * 24 * 3600, count: 5000 },
      },
    );
    this.worker = worker as unknown as Worker;
    worker.on('failed', (job, err) => logger.error({ job: job?.name, err: err.message }, 'job failed'));
    worker.on('error', complain);
  }

  async onModuleDestroy(): Promise<void> {
    this.closing = true;
    await this.worker?.close();
    await this.queue?.close();
  }
}
