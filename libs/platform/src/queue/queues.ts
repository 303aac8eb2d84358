import { JOB_NAMES, type JobName, type Jobs } from './jobs.js';
import { AppError } from '#contracts';
import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { UnrecoverableError, type Job, type Queue, type Worker } from 'bullmq';
import { Counter, Gauge } from 'prom-client';
import { Config } from '../config/config.js';
import { toAppError } from '../database/database-errors.js';
import { logger } from '../observability/logging.js';
import { Metrics } from '../observability/metrics.js';
import { OutboxRelay, type NewJob } from './outbox.js';
import { StartupError } from '../config/startup-error.js';
import { PrismaService } from '../prisma/prisma.service.js';
import { QueueBackend } from './queue-backend.js';
import { RedisConnections } from '../redis/redis.js';
import { remembered } from '../concurrency/remembered.js';
import { within } from '../concurrency/time-limit.js';
import { DAY } from '../limits/budgets/budget.js';

/** Information about a run of a job, in addition to its data. */
interface JobRun {
  /** True after an earlier run: its process died, or it failed. */
  again: boolean;
}

/** The processor of each job: a job without one does not compile. */
export type Processors = { [N in JobName]: (data: Jobs[N], run: JobRun) => Promise<unknown> };

/** The schedule of repeated jobs: five cron fields. */
type Schedules = Partial<Record<JobName, { pattern: string }>>;

/** A dead letter. */
interface FailedJob {
  id: string;
  name: string;
  reason: string;
  attempts: number;
  createdAt: Date;
  failedAt: Date;
}

const RETRIES = { attempts: 5, backoff: { type: 'exponential', delay: 1000 } };
/**
 * A job whose worker has not renewed its lock for this time, ms, is given to another worker. Running it twice is
 * harmless.
 */
const LOCK_MS = 10_000;
/** How long running jobs may take at a stop, ms. */
const CLOSE_MS = 2000;
/** Timeout of requests to the queue, ms. */
const ANSWER_MS = 5000;
/** Pause of a worker after Redis refused a command, ms: BullMQ would retry in a tight loop. */
const REST_MS = 1000;
const COUNTED = ['waiting', 'prioritized', 'active', 'delayed', 'completed', 'failed'] as const;

/** The background jobs of all processes. Failed ones stay as dead letters. */
@Injectable()
export class Queues implements OnModuleDestroy {
  private readonly backend: QueueBackend;
  private queue?: Queue;
  private worker?: Worker;
  private relay?: OutboxRelay;
  private isClosing = false;
  /** True after a refusal was logged, until Redis accepts a command again. */
  private isRefused = false;
  private resting?: NodeJS.Timeout;
  private readonly jobs: Counter<'name' | 'outcome'>;

  constructor(
    config: Config,
    private readonly prisma: PrismaService,
    private readonly redis: RedisConnections,
    private readonly metrics: Metrics,
  ) {
    this.backend = new QueueBackend(config, redis);
    this.jobs = new Counter({
      name: 'jobs_total',
      help:
        'Runs of background jobs, by job and outcome (ok, retry: will run again, postponed: the last attempt failed ' +
        'while the database was unavailable, added again, failed: a dead letter)',
      labelNames: ['name', 'outcome'],
      registers: [metrics.registry],
    });
  }

  /**
   * Starts to work: adds the jobs of the outbox to the queue, and runs queued and scheduled jobs.
   * @throws StartupError (when a job has no processor, which the compiler rules out but a partial deployment does not)
   */
  async work(processors: Processors, schedules: Schedules): Promise<void> {
    const missing = JOB_NAMES.filter((name) => typeof processors[name] !== 'function');
    if (missing.length > 0) throw new StartupError(`jobs: no processor for ${missing.join(', ')}`);
    await this.open().waitUntilReady();
    const relay = new OutboxRelay(this.prisma, (jobs) => this.add(jobs));
    const remember = async () => {
      await this.schedule(schedules);
      await relay.giveAllAgain();
    };
    await remember();
    // Redis may have lost its data.
    this.backend.onBack(() => void remember().catch(this.logWarning));
    this.worker = this.startWorker(processors, relay);
    this.relay = relay;
    relay.start();
    const oldestSeconds = remembered(() => relay.oldestSeconds());
    new Gauge({
      name: 'jobs_oldest_seconds',
      help: 'Age of the oldest unfinished job of the outbox; 0 when all are done',
      registers: [this.metrics.registry],
      async collect() {
        this.set(await oldestSeconds());
      },
    });
  }

  /** Finished jobs are kept for a day, failed ones for 90 days; their number is limited too. */
  private startWorker(processors: Processors, relay: OutboxRelay): Worker {
    const worker = this.backend.makeWorker((job) => run(processors, job, relay), {
      concurrency: 4,
      lockDuration: LOCK_MS,
      stalledInterval: LOCK_MS / 2,
      // A crash may be caused by any of the running jobs; only a job that always crashes fails.
      maxStalledCount: 10,
      runRetryDelay: 500,
      removeOnComplete: { age: DAY, count: 1000 },
      removeOnFail: { age: 90 * DAY, count: 10_000 },
    });
    worker.on('completed', (job) => this.jobs.inc({ name: job.name, outcome: 'ok' }));
    worker.on('failed', (job, err) => {
      const outcome = outcomeOf(job, err);
      // A postponed job is still in the outbox, which adds it again.
      if (outcome === 'postponed') job!.remove().catch(this.logWarning);
      if (outcome === 'failed') relay.done(job!.id!).catch(this.logWarning);
      this.jobs.inc({ name: nameOf(job?.name), outcome });
      const level = outcome === 'failed' ? 'error' : 'warn';
      logger[level]({ job: job?.name, job_id: job?.id, outcome, err: err.message }, 'job failed');
    });
    worker.on('stalled', (id) => logger.warn({ job_id: id }, 'stalled job recovered'));
    worker.on('active', this.accepted);
    worker.on('error', (err) => {
      this.logWarning(err);
      if (err.name === 'ReplyError') this.rest(worker);
    });
    return worker;
  }

  /** Called when Redis has refused a command, as a full one does. */
  private rest(worker: Worker): void {
    if (this.isClosing || worker.isPaused()) return;
    // Running jobs continue.
    void worker.pause(true);
    this.resting = setTimeout(() => void worker.resume(), REST_MS);
  }

  private async schedule(schedules: Schedules): Promise<void> {
    for (const [name, repeat] of Object.entries(schedules))
      await this.open().upsertJobScheduler(name, repeat, { name, opts: RETRIES });
  }

  /** In one statement: all jobs or none. */
  private async add(jobs: NewJob[]): Promise<void> {
    const added = jobs.map(({ id, name, data, priority }) => ({
      name,
      data,
      opts: { ...RETRIES, jobId: id, ...(priority > 0 && { priority }) },
    }));
    await this.ask((queue) => queue.addBulk(added));
    this.accepted();
  }

  /** The number of jobs by state. */
  async counts(): Promise<Record<(typeof COUNTED)[number], number>> {
    const counts = await this.ask((queue) => queue.getJobCounts(...COUNTED));
    return counts as Record<(typeof COUNTED)[number], number>;
  }

  /** Dead letters number `start` to `end`, exclusive, latest first. */
  async failed(start: number, end: number): Promise<FailedJob[]> {
    const jobs = await this.ask((queue) => queue.getFailed(start, end - 1));
    return jobs.map((job) => ({
      id: job.id!,
      name: job.name,
      reason: job.failedReason ?? '',
      attempts: job.attemptsMade,
      createdAt: new Date(job.timestamp),
      failedAt: new Date(job.finishedOn ?? job.timestamp),
    }));
  }

  /**
   * Retries a dead letter, with all its attempts.
   * @throws AppError NOT_FOUND
   */
  async retry(id: string): Promise<void> {
    await this.ask(async (queue) => {
      const job = await queue.getJob(id);
      if (!(await job?.isFailed())) throw new AppError('NOT_FOUND', 'No such failed job');
      await job!.retry('failed', { resetAttemptsMade: true });
    });
  }

  async onModuleDestroy(): Promise<void> {
    this.isClosing = true;
    this.backend.stopReconnecting();
    // Another worker takes over an abandoned job.
    await within(CLOSE_MS, this.close()).catch(this.logWarning);
  }

  private async close(): Promise<void> {
    clearTimeout(this.resting);
    // Otherwise it would fetch the next job in a tight loop after its connection has ended.
    await this.worker?.pause(true);
    await this.relay?.stop();
    await this.backend.settled();
    await Promise.all([this.worker?.close(), this.queue?.close()]);
  }

  /** @throws AppError UNAVAILABLE (when the queue is unavailable: BullMQ would wait) */
  private ask<T>(question: (queue: Queue) => Promise<T>): Promise<T> {
    return within(ANSWER_MS, question(this.open()));
  }

  /** Also for processes without a worker: an api process adds and reads jobs. */
  private open(): Queue {
    return (this.queue ??= this.backend.makeQueue().on('error', this.logWarning));
  }

  /** `redis.ts` logs once that Redis is unavailable, so these errors are skipped here. */
  private readonly logWarning = (err: Error) => {
    if (this.isClosing || (this.redis.shared && toAppError(err).code === 'UNAVAILABLE')) return;
    logger[this.isRefused ? 'debug' : 'warn']({ err: err.message }, 'queue unavailable');
    this.isRefused = true;
  };

  private readonly accepted = () => {
    this.isRefused = false;
  };
}

/** Job names are stored data: unknown ones must not create an unlimited number of time series. */
const nameOf = (name: string | undefined) => (JOB_NAMES.includes(name as JobName) ? name! : 'unknown');

/** The outcome of a failed run. An unavailable database does not count against the job. */
function outcomeOf(job: Job | undefined, err: Error): 'retry' | 'postponed' | 'failed' {
  if (job?.finishedOn === undefined) return 'retry';
  return toAppError(err).code === 'UNAVAILABLE' ? 'postponed' : 'failed';
}

async function run(processors: Processors, job: Job, relay: OutboxRelay): Promise<void> {
  const processor = Object.hasOwn(processors, job.name) ? processors[job.name as JobName] : undefined;
  // Later attempts would not find a processor either.
  if (!processor) throw new UnrecoverableError(`unknown job: ${job.name}`);
  await processor((job.data ?? {}) as never, { again: job.attemptsStarted > 1 });
  await relay.done(job.id!);
}
