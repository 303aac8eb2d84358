import { setTimeout as sleep } from 'node:timers/promises';
import { validate as isUuid } from 'uuid';
import type { JobName, Jobs } from './jobs.js';
import { sharedNow } from '../redis/clock.js';
import { newId } from '../database/ids.js';
import { logger } from '../observability/logging.js';
import type { Prisma } from '../prisma/generated/client.js';
import type { PrismaService } from '../prisma/prisma.service.js';

/** Head start of a request before the job that it promised does the same work, ms. */
export const HEAD_START_MS = 60_000;

/**
 * Stores a job in the transaction that causes it. It runs if and only if the transaction commits, even if the queue is
 * unavailable or loses its data, or a process dies. It may run twice. It starts after `delayMs`.
 * @returns the id of the job
 */
export async function addJob<N extends JobName>(
  tx: Prisma.TransactionClient,
  name: N,
  data: Jobs[N],
  delayMs = 0,
): Promise<string> {
  const [id] = await addJobs(tx, name, [data], 0, delayMs);
  return id!;
}

/** The same for many jobs. `priority`: 0 comes first; parts of a large job let other jobs pass. */
export async function addJobs<N extends JobName>(
  tx: Prisma.TransactionClient,
  name: N,
  jobs: Jobs[N][],
  priority = 0,
  delayMs = 0,
): Promise<string[]> {
  const dueAt = delayMs > 0 ? new Date(sharedNow() + delayMs) : undefined;
  const rows = jobs.map((data) => ({
    id: newId(),
    name,
    // An interface has no index signature, so it is no JSON object for Prisma's types.
    data: data as unknown as Prisma.InputJsonObject,
    priority,
    dueAt,
  }));
  await tx.outboxJob.createMany({ data: rows });
  return rows.map(({ id }) => id);
}

/** A job for the queue. If the queue knows a job with its id, it is not added again. */
export interface NewJob {
  id: string;
  name: string;
  data: object;
  priority: number;
}

const BATCH = 500;
/** Pause after an empty outbox, and after a failure, ms. */
const PAUSE_MS = { idle: 100, failed: 1000 };
/** A job that is not done after this time, s, is added to the queue again, which may have lost it. */
const AGAIN_S = 60;

/**
 * Adds the jobs of the outbox (`addJob`) to the queue, the earliest due first, and again until they are done: a Redis may
 * restart empty. A job that the queue still has is not added twice, because of its id.
 */
export class OutboxRelay {
  private readonly stopping = new AbortController();
  private running?: Promise<void>;

  constructor(
    private readonly prisma: PrismaService,
    private readonly add: (jobs: NewJob[]) => Promise<void>,
  ) {}

  start(): void {
    this.running = this.run();
  }

  /** Stops after the current batch. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    let wasAway = false;
    while (!signal.aborted) {
      let pause = 0;
      try {
        if (wasAway) await this.giveAllAgain();
        wasAway = false;
        if ((await this.giveBatch()) < BATCH) pause = PAUSE_MS.idle;
      } catch (error) {
        if (!wasAway) logger.warn({ err: (error as Error).message }, 'outbox relay failed, retrying');
        wasAway = true;
        pause = PAUSE_MS.failed;
      }
      if (pause > 0) await sleep(pause, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Adds all unfinished jobs again in the next round: the queue may have lost them, or given them up. */
  async giveAllAgain(): Promise<void> {
    await this.prisma.$executeRaw`UPDATE outbox_jobs SET due_at = now() WHERE due_at > now()`;
  }

  /** Scheduled jobs, which are not in the outbox, have other ids. */
  async done(id: string): Promise<void> {
    if (isUuid(id)) await this.prisma.$executeRaw`DELETE FROM outbox_jobs WHERE id = ${id}::uuid`;
  }

  /** The age of the oldest unfinished job; NaN while the database is unavailable. */
  async oldestSeconds(): Promise<number> {
    const [oldest] = await this.prisma.$queryRaw<{ age: number }[]>`
      SELECT extract(epoch FROM now() - created_at)::float AS age FROM outbox_jobs ORDER BY id LIMIT 1`.catch(
      () => [{ age: NaN }],
    );
    return oldest?.age ?? 0;
  }

  private async giveBatch(): Promise<number> {
    // Usually there is nothing: then this is a single query without a transaction.
    const [any] = await this.prisma.$queryRaw<
      object[]
    >`SELECT FROM outbox_jobs WHERE due_at <= now() LIMIT 1`;
    if (!any) return 0;
    return this.prisma.$transaction(async (tx) => {
      // Several relays share the work instead of waiting for each other.
      const rows = await tx.$queryRaw<NewJob[]>`
        WITH taken AS (
          UPDATE outbox_jobs SET due_at = now() + make_interval(secs => ${AGAIN_S}) WHERE id IN (
            SELECT id FROM outbox_jobs WHERE due_at <= now() ORDER BY due_at LIMIT ${BATCH} FOR UPDATE SKIP LOCKED
          ) RETURNING id, name, data, priority
        ) SELECT * FROM taken ORDER BY id`;
      if (rows.length > 0) await this.add(rows);
      return rows.length;
    });
  }
}
