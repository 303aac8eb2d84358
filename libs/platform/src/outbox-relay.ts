import { setTimeout as sleep } from 'node:timers/promises';
import { logger } from './logging.js';
import type { NewJob } from './outbox.js';
import type { PrismaService } from './prisma/prisma.service.js';

const BATCH = 500;
/** How long an empty outbox is left alone, ms, and one that could not be emptied. */
const PAUSE_MS = { idle: 100, failed: 1000 };

/**
 * Moves what transactions promised (`addJob`) to the queue, oldest first. A row is deleted after its job was
 * added: a death between the two adds it again, where its id makes it the same job while the queue knows it.
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

  /** Ends after the batch that is being moved. */
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
        if ((await this.move()) < BATCH) pause = PAUSE_MS.idle;
        wasAway = false;
      } catch (error) {
        if (!wasAway) logger.warn({ err: (error as Error).message }, 'outbox: trying again');
        wasAway = true;
        pause = PAUSE_MS.failed;
      }
      if (pause > 0) await sleep(pause, undefined, { signal }).catch(() => undefined);
    }
  }

  private async move(): Promise<number> {
    // Most of the time there is nothing: one question then, and no transaction.
    if (!(await this.prisma.outboxJob.findFirst({ select: { id: true } }))) return 0;
    return this.prisma.$transaction(async (tx) => {
      // Several relays share the work instead of waiting for each other.
      const rows = await tx.$queryRaw<NewJob[]>`
        WITH taken AS (
          DELETE FROM outbox_jobs WHERE id IN (
            SELECT id FROM outbox_jobs ORDER BY id LIMIT ${BATCH} FOR UPDATE SKIP LOCKED
          ) RETURNING id, name, data
        ) SELECT id, name, data FROM taken ORDER BY id`;
      if (rows.length > 0) await this.add(rows);
      return rows.length;
    });
  }
}
