import type { JobName, Jobs } from '#contracts';
import { newId } from './ids.js';
import type { Prisma } from './prisma/generated/client.js';

/** A job for the queue. One with the id of a job that is still known there is not added again. */
export interface NewJob {
  /** Without `:`. */
  id: string;
  name: string;
  data: object;
  /** 0 comes first; the parts of something large let others pass. */
  priority?: number;
}

/**
 * Promises a job in the transaction that makes it necessary: it runs if, and only if, that commits, also when
 * the queue is away or the process dies right after. The relay moves it to the queue; it may run twice.
 */
export async function addJob<N extends JobName>(
  tx: Prisma.TransactionClient,
  name: N,
  data: Jobs[N],
): Promise<void> {
  await addJobs(tx, name, [data]);
}

/** The same of many at once. */
export async function addJobs<N extends JobName>(
  tx: Prisma.TransactionClient,
  name: N,
  jobs: Jobs[N][],
): Promise<void> {
  await tx.outboxJob.createMany({
    data: jobs.map((data) => ({ id: newId(), name, data: data as unknown as Prisma.InputJsonObject })),
  });
}
